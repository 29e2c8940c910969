//! The live spec, admitted: read, checked, compared with the last accepted one, and named.

use std::collections::BTreeSet;

use crate::condition::{Finding, Reason, Severity};
use crate::error::{CloudError, Failure};
use crate::images::range;
use crate::inventory::Inventory;
use crate::resources::{Context, Names, ResourceId};
use crate::slice::Slice;
use crate::spec::{self, Spec};
use crate::state::accepted::{self, Accepted};
use crate::state::identity::{self, Identity};
use crate::state::images;
use crate::state::orders::{self, Orders, Request};
use crate::state::status;

use super::work::{is_spec, stem};
use super::{Converger, Hint, Work};

/// An admitted spec with everything that follows from it alone.
pub struct Scene {
    /// The spec, at the release that the deployment is at.
    pub spec: Spec,
    /// The `application_version` that the user wrote.
    pub asked_version: String,
    /// What things are called.
    pub names: Names,
    /// Generation of the spec object.
    pub generation: i64,
    /// Hash of the spec's meaning.
    pub digest: String,
    /// Warnings about the spec.
    pub findings: Vec<Finding>,
    /// What people ordered.
    pub orders: Orders,
    /// Resources that the last look saw: what the spec no longer names among them is found again by it.
    pub known: BTreeSet<ResourceId>,
    /// Whether the spec is gone, and wanted everything to go with it.
    pub withdrawn: bool,
    /// What the event told of that this work is for, if anything.
    pub hint: Option<Hint>,
    /// What was decided about the images.
    pub images: images::Kept,
}

impl Scene {
    /// Takes the spec to the release that a range brought; from then on everything depends on that one.
    fn at_its_release(mut self) -> Self {
        self.spec.application_version = range::effective(&self.spec, &self.images.record);
        self
    }

    /// What documents are made of.
    pub fn context<'a>(&'a self, seen: &'a Inventory) -> Context<'a> {
        Context { spec: &self.spec, names: &self.names, generation: self.generation, seen }
    }
}

/// What came of reading the live spec.
pub enum Admission {
    /// It can be worked on.
    Admitted(Box<Scene>),
    /// It is refused.
    Refused(Refusal),
    /// There is none.
    Withdrawn,
}

impl Admission {
    fn at_its_release(self) -> Self {
        match self {
            Self::Admitted(scene) => Self::Admitted(Box::new(scene.at_its_release())),
            other => other,
        }
    }
}

/// Why a spec was refused.
pub struct Refusal {
    /// Generation of the refused spec object.
    pub generation: i64,
    /// Every error.
    pub findings: Vec<Finding>,
}

/// What one work knows about its deployment from its earlier rounds and need not read again: the identity
/// never changes, and what was accepted is written by the holder of the lease alone.
#[derive(Default)]
pub struct Known {
    identity: Option<Identity>,
    accepted: Option<Accepted>,
}

/// Reads and admits the live spec.
///
/// # Errors
/// When the buckets cannot be read or written.
pub async fn admit(converger: &Converger, work: &Work) -> Result<Admission, CloudError> {
    admit_again(converger, work, &mut Known::default()).await
}

/// The same in another round of one work.
///
/// # Errors
/// When the buckets cannot be read or written.
pub async fn admit_again(
    converger: &Converger,
    work: &Work,
    known: &mut Known,
) -> Result<Admission, CloudError> {
    let object = converger.cloud.objects.read(&converger.spec_bucket, &work.object, None).await?;
    let Some(object) = object else { return Ok(Admission::Withdrawn) };
    if let Some(finding) = rival(converger, work).await? {
        return Ok(Admission::Refused(Refusal { generation: object.generation, findings: vec![finding] }));
    }
    let text = String::from_utf8_lossy(&object.content);
    let (state, deployment) = (&converger.state, &work.deployment);
    let identity = match known.identity.take() {
        Some(identity) => identity,
        None => identity::identity(state, deployment).await?,
    };
    let mut last = match known.accepted.take() {
        Some(accepted) => accepted,
        None => accepted::read(state, deployment).await?,
    };
    let old = last.spec.as_ref();
    let admitted = admit_over(converger, work, &text, object.generation, &identity, old).await?;
    if let Admission::Admitted(scene) = &admitted {
        last = accepted::write(state, deployment, scene.generation, &scene.spec, last).await?;
    }
    *known = Known { identity: Some(identity), accepted: Some(last) };
    Ok(admitted.at_its_release())
}

/// Another live spec of the same deployment: `prod.json` beside `prod.yaml`, or what `prod.yaml` was renamed to.
///
/// # Errors
/// When the spec bucket cannot be read.
pub async fn other(converger: &Converger, work: &Work) -> Result<Option<String>, CloudError> {
    let prefix = format!("{}.", work.deployment);
    let objects = converger.cloud.objects.list(&converger.spec_bucket, &prefix).await?;
    let is_other = |name: &str| name != work.object && is_spec(name) && stem(name) == work.deployment;
    Ok(objects.into_iter().map(|object| object.name).find(|name| is_other(name)))
}

/// Two live specs of one deployment: each would undo the other.
async fn rival(converger: &Converger, work: &Work) -> Result<Option<Finding>, CloudError> {
    Ok(other(converger, work).await?.map(|rival| Finding {
        reason: Reason::Refused,
        severity: Severity::Error,
        slice: Slice::Project,
        subject: Some(work.object.clone()),
        message: format!("{rival} is a spec of the same deployment {}", work.deployment),
        help: "Keep one of the two: a deployment is named by its spec file's stem.".into(),
    }))
}

/// Admits a spec given as text, without noting that it was accepted.
///
/// # Errors
/// When the state bucket cannot be read.
pub async fn admit_text(
    converger: &Converger,
    work: &Work,
    text: &str,
    generation: i64,
    identity: &Identity,
) -> Result<Admission, CloudError> {
    let last = accepted::read(&converger.state, &work.deployment).await?;
    let admitted = admit_over(converger, work, text, generation, identity, last.spec.as_ref()).await?;
    Ok(admitted.at_its_release())
}

/// Admits a text that follows on the spec that was accepted last.
async fn admit_over(
    converger: &Converger,
    work: &Work,
    text: &str,
    generation: i64,
    identity: &Identity,
    last: Option<&Spec>,
) -> Result<Admission, CloudError> {
    let refused = |findings| Admission::Refused(Refusal { generation, findings });
    let reading = match spec::read(&work.object, text) {
        Ok(reading) => reading,
        Err(report) => return Ok(refused(report.findings.iter().map(shown).collect())),
    };
    let mut findings: Vec<Finding> = reading.findings.iter().map(shown).collect();
    if let Some(old) = last {
        let acknowledged = reading.spec.acknowledge.iter().cloned().collect();
        findings.extend(spec::change::compare(old, &reading.spec, &acknowledged).iter().map(shown));
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Ok(refused(findings));
    }
    let names = Names::new(&work.deployment, &reading.spec, &identity.deployment_id);
    let scene = furnish(converger, work, reading.spec, names, generation, findings).await?;
    Ok(Admission::Admitted(Box::new(scene)))
}

/// The scene of the spec that was accepted last, for a deployment whose spec is gone; `None` when none ever was.
///
/// # Errors
/// When the state bucket cannot be read.
pub async fn last(converger: &Converger, work: &Work) -> Result<Option<Scene>, CloudError> {
    let accepted = accepted::read(&converger.state, &work.deployment).await?;
    let Some(generation) = accepted.generation() else { return Ok(None) };
    let Some(spec) = accepted.spec else { return Ok(None) };
    let Some(identity) = identity::peek(&converger.state, &work.deployment).await? else { return Ok(None) };
    let names = Names::new(&work.deployment, &spec, &identity.deployment_id);
    let scene = furnish(converger, work, spec, names, generation, Vec::new()).await?;
    Ok(Some(scene.at_its_release()))
}

/// A spec with what is kept of its deployment.
async fn furnish(
    converger: &Converger,
    work: &Work,
    spec: Spec,
    names: Names,
    generation: i64,
    findings: Vec<Finding>,
) -> Result<Scene, CloudError> {
    let orders = ordered(converger, work).await?;
    let (status, _) = status::read(&converger.state, &work.deployment).await?;
    let images = images::read(&converger.state, &work.deployment).await?;
    let there = status.inventory.iter().filter(|(_, standing)| standing.as_str() != "absent");
    let known = there.filter_map(|(id, _)| ResourceId::parse(id)).collect();
    Ok(Scene {
        digest: spec.digest(),
        asked_version: spec.application_version.clone(),
        spec,
        names,
        generation,
        findings,
        orders,
        known,
        withdrawn: false,
        hint: work.hint.clone(),
        images,
    })
}

/// The orders for the deployment, with the one that the event is.
async fn ordered(converger: &Converger, work: &Work) -> Result<Orders, CloudError> {
    let (state, deployment) = (&converger.state, &work.deployment);
    let orders = orders::read(state, deployment).await?;
    let order = work.hint.as_ref().and_then(|hint| hint.order((converger.now)()));
    let is_new = |order: &Request| orders.requested(&order.what).is_none_or(|earlier| earlier.at < order.at);
    match order.filter(is_new) {
        Some(order) => {
            match orders::change(state, deployment, |orders| orders.request(order.clone())).await {
                // Orders that nobody understands pause everything, and the status says so.
                Err(error) if matches!(error.failure, Failure::Malformed) => Ok(orders),
                changed => changed,
            }
        }
        None => Ok(orders),
    }
}

/// A spec's finding as the status shows it, with its place in the file in front.
fn shown(finding: &spec::Finding) -> Finding {
    let place = finding.span.as_ref().map(|span| format!("line {}, column {}: ", span.line, span.column));
    let variable = finding.variables.first();
    let row = variable.and_then(|name| spec::VARIABLES.iter().find(|row| row.name == name.as_str()));
    Finding {
        reason: if finding.rule == "NotConverged" { Reason::NotConverged } else { Reason::SpecWarning },
        severity: finding.severity.into(),
        slice: row.map_or(Slice::Project, |row| row.slice),
        subject: variable.map(ToString::to_string),
        message: format!("{}{} [{}]", place.unwrap_or_default(), finding.message, finding.rule),
        help: finding.help.clone(),
    }
}
