//! Following a range of releases: which of the registry's tags is the one to run.
//!
//! Tags that are no release numbers do not count, nor does one that the API image has and the web image has not:
//! their versions have to be equal. Nothing ever goes back to an older release by itself, because a schema does not.

use semver::{Version, VersionReq};

use crate::condition::{Finding, Reason, Severity};
use crate::resources::kubernetes::images::{self, Image};
use crate::resources::{Wait, WaitKind};
use crate::slice::Slice;
use crate::spec::{Spec, versions};

use super::record::Record;
use super::standing::repository;
use super::{Digests, follows, release};

/// What a range came to when the registries were asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The newest release that can run: its images with their digests.
    pub release: Option<Digests>,
    /// What newer ones lack.
    pub lacking: Vec<Lacking>,
}

/// A newer release in the range that cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// There is no web image of it.
    Web(String),
    /// Which plugin daemon and sandbox belong to it is not known.
    Companions(String),
}

/// The range that a spec follows, if it follows one.
pub fn of(spec: &Spec) -> Option<VersionReq> {
    let range = spec.image_policy.range.as_deref().filter(|_| follows(spec) && spec.deploy_application)?;
    VersionReq::parse(range).ok()
}

/// A spec at another release.
pub fn at(spec: &Spec, version: &str) -> Spec {
    Spec { application_version: version.to_owned(), ..spec.clone() }
}

/// The release that a deployment is at: what its range brought, or else what the spec says. What was brought stays
/// when the range is taken out, unless the spec says that going back is meant.
pub fn effective(spec: &Spec, record: &Record) -> String {
    let asked = &spec.application_version;
    let back = of(spec).is_none() && spec.acknowledge.iter().any(|name| name == "application_version");
    match &record.version {
        Some(version) if !back && is_newer(version, asked) => version.clone(),
        _ => asked.clone(),
    }
}

/// Whether a release is newer than another one. What is no release is neither.
pub fn is_newer(version: &str, than: &str) -> bool {
    matches!((Version::parse(version), Version::parse(than)), (Ok(one), Ok(other)) if one > other)
}

/// The repositories to look for releases in: the API's, and the web's when it runs.
pub fn repositories(spec: &Spec) -> (String, Option<String>) {
    let web = images::reference(spec, Image::Web);
    let runs = release::references(spec).contains(&web);
    (repository(&images::api(spec)).to_owned(), runs.then(|| repository(&web).to_owned()))
}

/// The newest release of a range, at or above the one that runs, for which everything is there; and what newer ones
/// lack.
pub fn choose(spec: &Spec, api: &[String], web: Option<&[String]>) -> (Option<String>, Vec<Lacking>) {
    let Some(range) = of(spec) else { return (None, Vec::new()) };
    let mut within: Vec<(Version, &String)> = api
        .iter()
        .filter_map(|tag| Some((Version::parse(tag).ok()?, tag)))
        .filter(|(version, tag)| range.matches(version) && !is_newer(&spec.application_version, tag))
        .collect();
    within.sort();
    let mut lacking = Vec::new();
    for (_, tag) in within.into_iter().rev() {
        if web.is_some_and(|web| !web.contains(tag)) {
            lacking.push(Lacking::Web(tag.clone()));
        } else if !has_companions(spec, tag) {
            lacking.push(Lacking::Companions(tag.clone()));
        } else {
            return (Some(tag.clone()), lacking);
        }
    }
    (None, lacking)
}

/// Whether plugin daemon and sandbox are known that a release runs with. Another minor version is not guessed.
fn has_companions(spec: &Spec, version: &str) -> bool {
    let named = spec.plugin_daemon.image.is_some() && spec.sandbox.image.is_some();
    named || versions::pair_for(version).is_some()
}

/// The release number of a release: the tag of its API image.
pub fn version_of(spec: &Spec, release: &Digests) -> Option<String> {
    let api = images::api(spec);
    let own = release.keys().find(|reference| repository(reference) == repository(&api))?;
    own.rsplit_once(':').map(|(_, tag)| tag.to_owned())
}

/// Whether digests are a release of the same images as these references, whatever their tags.
pub fn is_of(release: &Digests, references: &[String]) -> bool {
    let repositories = |names: Vec<&String>| -> Vec<String> {
        names.into_iter().map(|name| repository(name).to_owned()).collect()
    };
    repositories(release.keys().collect()) == {
        let mut sorted: Vec<&String> = references.iter().collect();
        sorted.sort();
        repositories(sorted)
    }
}

/// Every reference of the releases that a record could go back to.
pub fn kept(spec: &Spec, record: &Record) -> Vec<String> {
    let versions = record.healthy.iter().filter_map(|healthy| version_of(spec, healthy));
    versions.flat_map(|version| images::references(&at(spec, &version))).collect()
}

/// What a newer release waits for, as the plan shows it.
pub fn waits(spec: &Spec, lacking: &[Lacking]) -> Option<Wait> {
    let (api, web) = repositories(spec);
    let missing = lacking.iter().find_map(|one| match one {
        Lacking::Web(version) => Some(version),
        Lacking::Companions(_) => None,
    })?;
    let web = web.unwrap_or_default();
    let why =
        format!("{api}:{missing} is there and {web}:{missing} is not: versions of both have to be equal");
    Some(Wait::new(WaitKind::User, why))
}

/// What the user is told about a release of a minor version that is not known here.
pub fn unknown(lacking: &[Lacking]) -> Option<Finding> {
    let version = lacking.iter().find_map(|one| match one {
        Lacking::Companions(version) => Some(version),
        Lacking::Web(_) => None,
    })?;
    let message = format!(
        "Dify {version} is in the range, but which plugin daemon and sandbox belong to it is not known here"
    );
    let help = "Set `plugin_daemon.image` and `sandbox.image` to those of the release's compose file, or narrow the range.";
    Some(finding(Reason::Refused, Severity::Warning, message, help))
}

/// A newer release was decided on: everything follows at the next look.
pub fn moves(from: &str, to: &str) -> Finding {
    finding(Reason::Progressing, Severity::Info, format!("Dify {from} becomes {to}"), "")
}

/// The range was taken out, and the release that it brought stays.
pub fn stays(asked: &str, runs: &str) -> Finding {
    let message =
        format!("`application_version` says {asked}, and Dify {runs} runs, which a range brought: it stays");
    let help = format!(
        "Write application_version: {runs}. To go back all the same, add \"application_version\" to `acknowledge`; \
         the schema stays migrated."
    );
    finding(Reason::SpecWarning, Severity::Warning, message, &help)
}

/// The registries could not say which releases there are: what runs stays.
pub fn unreadable(why: &str) -> Finding {
    let message = format!("which releases there are could not be read: {why}");
    finding(
        Reason::NotFound,
        Severity::Warning,
        message,
        "What runs stays; it is asked again at the next look.",
    )
}

fn finding(reason: Reason, severity: Severity, message: String, help: &str) -> Finding {
    let subject = Some("image_policy.range".to_owned());
    Finding { reason, severity, slice: Slice::Images, subject, message, help: help.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::types::ImagePolicy;

    fn spec(range: &str) -> Spec {
        let policy =
            ImagePolicy { mode: Some("follow".into()), range: Some(range.into()), ..ImagePolicy::default() };
        Spec { image_policy: policy, application_version: "1.16.0".into(), ..Spec::default() }
    }

    fn chosen(range: &str, api: &[&str], web: &[&str]) -> (Option<String>, Vec<Lacking>) {
        let own = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        choose(&spec(range), &own(api), Some(&own(web)))
    }

    #[test]
    fn the_newest_release_of_the_range_that_both_have_is_taken() {
        let tags = ["main", "1.16.0", "1.16.9", "1.16.10", "1.17.0", "v1.16.11", "1.16.11-rc1", "1.16"];
        assert_eq!(chosen("~1.16", &tags, &tags), (Some("1.16.10".into()), vec![]));
        assert_eq!(chosen(">=1.16, <2", &tags, &tags), (Some("1.17.0".into()), vec![]));
        assert_eq!(chosen(">=1.16.11-rc1, <1.17", &tags, &tags).0.as_deref(), Some("1.16.11-rc1"));
        let (found, lacking) = chosen("~1.16", &tags, &["1.16.0", "1.16.9"]);
        assert_eq!((found.as_deref(), lacking), (Some("1.16.9"), vec![Lacking::Web("1.16.10".into())]));
    }

    #[test]
    fn nothing_older_is_taken_and_no_companions_are_guessed() {
        assert_eq!(chosen("~1.16", &["1.15.9", "1.14.0"], &["1.15.9", "1.14.0"]), (None, vec![]));
        let tags = ["1.16.1", "1.99.0"];
        let (found, lacking) = chosen("^1.16", &tags, &tags);
        assert_eq!(found.as_deref(), Some("1.16.1"));
        assert!(unknown(&lacking).is_some_and(|finding| finding.message.contains("1.99.0")));
    }

    #[test]
    fn what_a_range_brought_stays_until_the_spec_is_newer_or_says_that_it_goes_back() {
        let record = Record { version: Some("1.16.1".into()), ..Record::default() };
        let mut spec = spec("~1.16");
        assert_eq!(effective(&spec, &record), "1.16.1");
        spec.application_version = "1.16.2".into();
        assert_eq!(effective(&spec, &record), "1.16.2");
        spec.application_version = "1.16.0".into();
        spec.image_policy = ImagePolicy::default();
        assert_eq!(effective(&spec, &record), "1.16.1");
        spec.acknowledge = vec!["application_version".into()];
        assert_eq!(effective(&spec, &record), "1.16.0");
    }

    #[test]
    fn releases_of_the_same_images_are_known_whatever_their_tags() {
        let release = Digests::from([("a/api:1".into(), "x".into()), ("a/web:1".into(), "y".into())]);
        let of = |names: [&str; 2]| names.map(str::to_owned);
        assert!(is_of(&release, &of(["a/web:2", "a/api:2"])));
        assert!(!is_of(&release, &of(["a/web:2", "b/api:2"])));
    }
}
