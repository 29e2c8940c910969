//! What an event told of, for the work to look at first: a name, never a fact.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::backup::due;
use crate::inventory::Reminder;
use crate::plan::{Plan, Request, Step};
use crate::state::orders;

/// How far a scheduler's clock may be ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What an event told of. The work reads what is so, and does the same without it, only later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Hint {
    /// A secret is said to be due for rotation.
    Rotation {
        /// The secret's id, without its project.
        secret: String,
        /// When it was said, RFC 3339.
        at: String,
    },
    /// A secret has changed.
    Secret {
        /// The secret's id, without its project.
        secret: String,
        /// What happened to which version of it: `SECRET_VERSION_ADD 2`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        change: String,
    },
    /// A build has ended.
    Build {
        /// The build's id.
        build: String,
        /// Its region; empty for the global one.
        location: String,
    },
    /// An image was pushed or tagged.
    Image {
        /// The repository with its host.
        image: String,
    },
    /// Something happened to a rollout or a release.
    Rollout {
        /// Full name, with the project's number.
        resource: String,
    },
    /// Somebody changed a resource, or it changed by itself.
    Resource {
        /// Its name in its API's words.
        resource: String,
    },
    /// A backup is due.
    Backup {
        /// The slot it is for, RFC 3339.
        slot: String,
        /// Whether it names the one deployment that it is for: then it is an order, and else a look.
        #[serde(default)]
        is_order: bool,
    },
    /// The trial of a backup is due.
    BackupVerify {
        /// The slot it is for, RFC 3339.
        slot: String,
        /// Whether it names the one deployment that it is for.
        #[serde(default)]
        is_order: bool,
    },
}

impl Hint {
    /// What a secret's own schedule said. A time that cannot be read is none.
    pub fn reminder(&self) -> Option<Reminder> {
        let Hint::Rotation { secret, at } = self else { return None };
        Some(Reminder { secret: secret.clone(), at: at.parse().ok()? })
    }

    /// What a scheduler ordered for one deployment, with the time of its schedule, by which a repetition is the same
    /// order. With a time that cannot be read, or that is still to come, it is a look and no order.
    pub fn order(&self, now: Timestamp) -> Option<orders::Request> {
        let (what, slot) = match self {
            Hint::Backup { slot, is_order: true } => (due::BACKUP, slot),
            Hint::BackupVerify { slot, is_order: true } => (due::VERIFY, slot),
            _ => return None,
        };
        let at = slot.parse::<Timestamp>().ok().filter(|at| at.duration_since(now) < SKEW)?;
        Some(orders::Request { what: what.into(), of: String::new(), at })
    }

    /// Whether a deployment in whose inventory are these resources could be meant. When in doubt, it is: a look
    /// for nothing costs some reads, and a look that is missed lasts until the next tick.
    pub fn concerns<'a>(&self, inventory: impl IntoIterator<Item = &'a str>) -> bool {
        let mut resources = inventory.into_iter().peekable();
        if resources.peek().is_none() {
            return true;
        }
        match self {
            Hint::Rotation { secret, .. } | Hint::Secret { secret, .. } => {
                resources.any(|resource| resource.split('/').any(|part| part == secret))
            }
            Hint::Resource { resource } => {
                let names = names(resource);
                resources
                    .any(|known| known.rsplit(['/', ' ']).next().is_some_and(|name| names.contains(&name)))
            }
            _ => true,
        }
    }

    /// Whether it tells of nothing but what a step of ours did: our own writes do not ring our own bell.
    pub fn is_own(&self, own_rings: &[String]) -> bool {
        let Hint::Secret { secret, change } = self else { return false };
        !change.is_empty() && own_rings.contains(&ring(secret, change))
    }
}

/// The rings that a plan's steps come back as, once they are taken.
pub fn own_rings(plan: &Plan) -> Vec<String> {
    plan.steps.iter().filter_map(own_ring).collect()
}

fn own_ring(step: &Step) -> Option<String> {
    let Request::Google(call) = &step.request else { return None };
    let place = call.path.split("/secrets/").nth(1)?;
    if let Some(secret) = place.strip_suffix(":addVersion") {
        let version = step.changes.first().and_then(|change| change.to.as_deref()).unwrap_or("1");
        return Some(ring(secret, &format!("SECRET_VERSION_ADD {version}")));
    }
    let (secret, version) = place.strip_suffix(":disable")?.split_once("/versions/")?;
    Some(ring(secret, &format!("SECRET_VERSION_DISABLE {version}")))
}

fn ring(secret: &str, change: &str) -> String {
    format!("{change} {secret}")
}

/// What a resource's name names: of `projects/p/secrets/s/versions/3` the secret and the version. The project is in
/// every name and tells nothing, unless it is what is meant.
fn names(resource: &str) -> Vec<&str> {
    let parts: Vec<&str> = resource.trim_matches('/').split('/').collect();
    let pairs = parts.chunks(2).filter(|pair| pair[0] != "projects" || parts.len() <= 2);
    let named: Vec<&str> = pairs.filter_map(|pair| pair.get(1).copied()).collect();
    if named.is_empty() { parts.last().copied().into_iter().collect() } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_concerns_whom_it_belongs_to_and_whoever_is_not_known_yet() {
        let hint = Hint::Secret { secret: "app1-redis-password".into(), change: String::new() };
        assert!(hint.concerns(["SecretVersion projects/p/secrets/app1-redis-password/versions"]));
        assert!(!hint.concerns(["SecretVersion projects/p/secrets/app2-redis-password/versions"]));
        assert!(hint.concerns([]));
        assert!(Hint::Image { image: "h/p/r/i".into() }.concerns(["Secret projects/p/secrets/s"]));
    }

    #[test]
    fn a_resource_concerns_whom_it_belongs_to_in_every_apis_words() {
        let concerns =
            |resource: &str, known: &str| Hint::Resource { resource: resource.into() }.concerns([known]);
        for (resource, known) in [
            ("projects/_/buckets/app1-storage", "Bucket b/app1-storage"),
            ("projects/1/secrets/app1-redis/versions/3", "Secret(GCP) projects/p/secrets/app1-redis"),
            ("apps/v1/namespaces/app1/deployments/app1-web", "Deployment app1/app1-web"),
            ("core/v1/namespaces/app1", "Namespace app1"),
            ("projects/p", "ProjectPolicy projects/p"),
            ("projects/p/policy", "AdmissionPolicy projects/p/policy"),
        ] {
            assert!(concerns(resource, known), "{resource} is {known}");
        }
        for (resource, known) in [
            ("projects/p/secrets/other/versions/3", "SecretVersion projects/p/secrets/app1-redis/versions"),
            ("projects/p/secrets/other", "ProjectPolicy projects/p"),
            ("projects/_/buckets/app2-storage", "Bucket b/app1-storage"),
        ] {
            assert!(!concerns(resource, known), "{resource} is not {known}");
        }
    }
}
