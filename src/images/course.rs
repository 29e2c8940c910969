//! The course of a deployment's images: from what was decided before and what is seen now to what should run.

use jiff::SignedDuration;

use crate::resources::mirror::{self, Mirror};
use crate::resources::{Wait, WaitKind};

use super::record::{Candidate, Record, Rollout};
use super::standing::{self, Standing};
use super::{Digests, Known, Promotions, Verdict, attest, build, promotion, range, release, told};

/// Fewest seconds that a rollout gets: one pod may take as long, with its image on a new node.
const LEAST_SECS: u32 = 600;

/// Decides which digest each image should have.
pub fn judge(known: &Known<'_>) -> Verdict {
    let mut record = known.record.clone();
    let references = known.references();
    pin(known, &references, &mut record);
    let mut verdict = Verdict::default();
    let of = release::references(known.spec);
    if known.seen.cluster_reachable && !arrive(known, &mut record, &mut verdict) {
        record.healthy.retain(|release| known.is_of(release, &of));
        record.failed.retain(|failed| known.is_of(&failed.release, &of));
        if let Some(current) = release::part(&record.digests, &of).filter(|current| !current.is_empty()) {
            let current = watch(known, current, &mut record);
            advance(known, &of, current, &mut record, &mut verdict);
        }
    }
    verdict.digests = record.digests.clone();
    // What runs decides before the registry does, so nothing is kept before the cluster could be looked at.
    verdict.changed = known.seen.cluster_reachable && record != *known.record;
    if record.version.as_ref().is_some_and(|version| *version != known.spec.application_version) {
        verdict.moved = true;
    }
    verdict.record = record;
    verdict
}

/// Sees to it that the record says at which release the deployment is. Says whether it had to learn it from what runs:
/// then everything else has to be looked at again.
fn arrive(known: &Known<'_>, record: &mut Record, verdict: &mut Verdict) -> bool {
    let at = &known.spec.application_version;
    if !known.ranges() && range::is_newer(at, known.asked) {
        verdict.findings.push(range::stays(known.asked, at));
    }
    record.version.take_if(|version| *version != *at);
    let (api, _) = range::repositories(known.spec);
    let runs =
        standing::running_tag(known.seen, &known.mirror(), &api).filter(|tag| range::is_newer(tag, at));
    if let Some(runs) = runs.filter(|_| known.ranges() && *known.record == Record::default()) {
        record.version = Some(runs);
        return true;
    }
    false
}

/// Keeps what was decided; whatever is new takes what runs already, or else what the registry says.
fn pin(known: &Known<'_>, references: &[String], record: &mut Record) {
    let mirror = known.mirror();
    let kept = if known.ranges() { range::kept(known.spec, record) } else { Vec::new() };
    record.digests.retain(|reference, _| references.contains(reference) || kept.contains(reference));
    for reference in references {
        if !record.digests.contains_key(reference) {
            let registry = || known.seen.registry.get(reference).cloned();
            let digest = standing::running(known.seen, &mirror, reference).or_else(registry);
            record.digests.extend(digest.map(|digest| (reference.clone(), digest)));
        }
    }
}

/// Looks how the current release does, and goes back to the last healthy one when a rollout failed. Answers the
/// release that should run.
fn watch(known: &Known<'_>, current: Digests, record: &mut Record) -> Digests {
    let mut failure = match standing::standing(known.seen, &known.mirror(), &current) {
        Standing::Healthy => {
            record.rollout = None;
            if record.healthy.first() != Some(&current) {
                record.ran(current.clone());
            }
            None
        }
        Standing::OnItsWay { started } => {
            let now = known.now();
            if let Some(rollout) = record.rollout.as_mut().filter(|_| started) {
                rollout.started.get_or_insert(now);
            }
            None
        }
        Standing::Failed(why) => Some(why),
    };
    let Some(rollout) = record.rollout.clone() else { return current };
    if failure.is_none() {
        failure = overdue(known, &rollout);
    }
    // What the user asked for since then is not undone.
    let older = |release: &Digests| {
        range::version_of(known.spec, release).is_some_and(|version| range::is_newer(known.asked, &version))
    };
    let last = record.healthy.iter().find(|healthy| **healthy != current && !older(healthy)).cloned();
    let (Some(reason), Some(last)) = (failure, last) else { return current };
    record.gave_up(current, reason, known.now());
    record.rollout = None;
    runs(known, record, &last);
    last
}

/// Notes what is to run, and at which release the deployment is by that.
fn runs(known: &Known<'_>, record: &mut Record, release: &Digests) {
    record.digests.extend(release.clone());
    if known.ranges() {
        record.version = range::version_of(known.spec, release);
    }
}

fn overdue(known: &Known<'_>, rollout: &Rollout) -> Option<String> {
    let limit = known.spec.deployment_timeout.max(LEAST_SECS);
    let since = known.now().duration_since(rollout.started?);
    (since > SignedDuration::from_secs(limit.into()))
        .then(|| format!("its pods were not ready {limit} seconds after the rollout began"))
}

/// Looks whether there is another release to run, and takes it when nothing stands against it.
fn advance(known: &Known<'_>, of: &[String], current: Digests, record: &mut Record, verdict: &mut Verdict) {
    let Some(wanted) = wanted(known, of, &current, record, verdict) else { return };
    if wanted == current {
        record.candidate = None;
        return;
    }
    let now = known.now();
    let candidate = match record.candidate.take().filter(|candidate| candidate.release == wanted) {
        Some(candidate) => candidate,
        None => Candidate { release: wanted, first_seen: now },
    };
    record.candidate = Some(candidate.clone());
    if let Some(failed) = record.failure(&candidate.release) {
        verdict.findings.push(told::went_back(failed, &current));
    } else if let Some(wait) = held(known, &candidate, &current, verdict) {
        verdict.waits.push(wait);
    } else {
        runs(known, record, &candidate.release);
        if let Some(version) = record.version.as_deref().filter(|to| *to != known.spec.application_version) {
            verdict.findings.push(range::moves(&known.spec.application_version, version));
        }
        record.candidate = None;
        record.rollout = Some(Rollout { began: now, started: None });
    }
}

/// The release that should run, going by what decides it: the pipeline, the tags, or nobody.
fn wanted(
    known: &Known<'_>,
    of: &[String],
    current: &Digests,
    record: &mut Record,
    verdict: &mut Verdict,
) -> Option<Digests> {
    // What cannot be asked now says nothing about what was seen before.
    let before = |record: &Record| record.candidate.as_ref().map(|candidate| candidate.release.clone());
    if let Some(source) = promotion::source(known.spec, &known.names.prefix) {
        return match &known.seen.sources.promotions {
            Some(Ok(promotions)) => promoted(&source, promotions, current, verdict),
            Some(Err(why)) => {
                verdict.findings.push(promotion::unreadable(&source, why));
                before(record)
            }
            None => before(record),
        };
    }
    if !known.follows() {
        record.candidate = None;
        return None;
    }
    if known.ranges() {
        return match &known.seen.sources.range {
            Some(Ok(found)) => Some(in_range(known, found, current, verdict)),
            Some(Err(why)) => {
                verdict.findings.push(range::unreadable(why));
                before(record)
            }
            None => before(record),
        };
    }
    release::part(&known.seen.registry, of).or_else(|| before(record))
}

/// The newest release of a range; what runs when there is none that could.
fn in_range(known: &Known<'_>, found: &range::Found, current: &Digests, verdict: &mut Verdict) -> Digests {
    verdict.waits.extend(range::waits(known.spec, &found.lacking));
    verdict.findings.extend(range::unknown(&found.lacking));
    found.release.clone().unwrap_or_else(|| current.clone())
}

fn promoted(
    source: &promotion::Source,
    promotions: &Promotions,
    current: &Digests,
    verdict: &mut Verdict,
) -> Option<Digests> {
    verdict.findings.extend(promotion::told(&promotions.rollouts, source));
    let (digests, undigested) = promotion::promoted(promotions.release.as_ref()?, current);
    if undigested.is_empty() {
        return Some(digests);
    }
    verdict.findings.push(promotion::undigested(source, &undigested));
    None
}

/// What a release that could be rolled out waits for.
fn held(known: &Known<'_>, candidate: &Candidate, current: &Digests, verdict: &mut Verdict) -> Option<Wait> {
    let soak = SignedDuration::from_secs(known.spec.image_policy.soak_secs.unwrap_or(0).into());
    let ripe = candidate.first_seen.checked_add(soak).unwrap_or(jiff::Timestamp::MAX);
    let what = release::shown(&candidate.release, current).join(", ");
    if ripe > known.now() {
        return Some(Wait::until(known.now(), ripe, format!("{what} is new; it is rolled out after {ripe}")));
    }
    if known.paused() {
        return Some(Wait::new(WaitKind::Paused, format!("{what} is rolled out when the pause ends")));
    }
    let unattested = || attest::unattested(&known.context(), &candidate.release);
    if let Some(why) = unproved(known, &candidate.release, current).or_else(unattested) {
        return Some(Wait::new(WaitKind::User, format!("{what} is not rolled out: {why}")));
    }
    let wanted = told::approval(&known.names.deployment, &candidate.release, current);
    if known.asks() && !known.seen.orders.approved(&wanted.hash) {
        let why =
            format!("{what} waits for `dify-reconciler approve {} {}`", known.names.deployment, wanted.hash);
        verdict.approval = Some(wanted);
        return Some(Wait::new(WaitKind::User, why));
    }
    let wait = uncopied(known, &candidate.release);
    if wait.is_some() {
        verdict.incoming = candidate.release.clone();
    }
    wait
}

/// What a release waits for before it is in the deployment's repository. It is copied last of all, and rolled out only
/// then: what runs can be changed as before as long as a copy takes, or fails.
fn uncopied(known: &Known<'_>, release: &Digests) -> Option<Wait> {
    let context = known.context();
    let mirror = Mirror::wanted(&context)?;
    let mut copies = release.iter().filter_map(|(reference, digest)| mirror.copy(reference, digest));
    copies.find_map(|wanted| mirror::uncopied(&context, &wanted)).map(Wait::dependency)
}

/// Why it is not certain that a release comes from where the spec wants it to come from.
fn unproved(known: &Known<'_>, release: &Digests, current: &Digests) -> Option<String> {
    let name = known.spec.image_policy.build_trigger.as_deref()?;
    let trigger = build::Trigger::parse(name)?;
    match &known.seen.sources.builds {
        Some(Ok(builds)) if build::made(&trigger, builds, release, current) => None,
        Some(Ok(_)) => Some(format!("no successful build of {name} lists its digest under `images:`")),
        Some(Err(why)) => Some(format!("the builds of {name} cannot be read: {why}")),
        None => Some(format!("the builds of {name} were not read")),
    }
}
