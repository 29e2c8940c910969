//! What distinguishes one kind from another: a small table that one driver works from.
//!
//! Hosts, paths and method ids are those of Google's discovery documents; the contract test holds them there.

use serde_json::Value;

use crate::plan::{GoogleRequest, Method};
use crate::resources::{Change, Document, Readiness, ResourceId};

use super::{
    Kind, address, admission_policy, attestor, bucket, bucket_policy, certificate, certificate_map,
    certificate_map_entry, cluster, disk, docker_image, enabled_api, firewall, guest_attributes, image_part,
    instance, object, project, project_policy, repository, repository_policy, secret, secret_history,
    secret_policy, secret_version, service_account, service_account_policy, sql_database, sql_instance,
    sql_operation, sql_user, subnetwork,
};

/// What the driver has to know of a kind.
#[derive(Clone, Copy)]
pub struct Descriptor {
    /// Host, which names the API.
    pub host: &'static str,
    /// What comes between the host and a resource's name.
    pub base: &'static str,
    /// Discovery id of the call that reads one.
    pub get: &'static str,
    /// How one is made.
    pub create: Create,
    /// How one is changed.
    pub update: Update,
    /// Discovery id of the call that removes one; `None` when nothing ever does.
    pub delete: Option<&'static str>,
    /// What a removal is tied to.
    pub delete_precondition: Precondition,
    /// JSON pointer of the labels, when the kind has any.
    pub labels: Option<&'static str>,
    /// JSON pointers of fields that only count when the resource is made: the API does not give them back,
    /// or they are an operator's to choose afterwards.
    pub written_once: &'static [&'static str],
    /// JSON pointers of fields that the API never changes, each with what that means.
    pub immutable: &'static [(&'static str, &'static str)],
    /// JSON pointers of lists whose order says nothing.
    pub unordered: &'static [&'static str],
    /// JSON pointers of lists of named items, with the name's field: ours must be in it, others may be.
    pub keyed: &'static [(&'static str, &'static str)],
    /// JSON pointers of maps in which what we do not name should not be.
    pub whole: &'static [&'static str],
    /// JSON pointers of secret fields.
    pub secret: &'static [&'static str],
    /// Whether it holds data and is therefore never removed without an approval.
    pub data_store: bool,
    /// How far a resource that was seen has come.
    pub readiness: fn(&Value) -> Readiness,
}

/// How a resource is made.
#[derive(Clone, Copy)]
pub enum Create {
    /// It is not ours to make.
    Never,
    /// POST to the collection, with the id in this query parameter.
    NamedInQuery {
        /// Discovery id.
        method_id: &'static str,
        /// The parameter.
        parameter: &'static str,
    },
    /// POST to the collection, with the id in the body's `name`.
    NamedInBody {
        /// Discovery id.
        method_id: &'static str,
    },
    /// The first bindings of a policy, by `:setIamPolicy` on what it is of; with this discovery id.
    Bindings(&'static str),
    /// A call of the kind's own.
    Custom(fn(&ResourceId, &Document) -> GoogleRequest),
}

/// How a resource is changed.
#[derive(Clone, Copy)]
pub enum Update {
    /// Not at all; the text says why.
    Never(&'static str),
    /// PATCH with an `updateMask` of the changed top-level fields, each sent whole.
    Masked {
        /// Discovery id.
        method_id: &'static str,
        /// Whether the body's `etag` ties the call to what was seen.
        etag: bool,
    },
    /// PATCH that merges the body into what is there; lists are replaced.
    Merged {
        /// Discovery id.
        method_id: &'static str,
        /// What ties the call to what was seen.
        precondition: Precondition,
    },
    /// The bindings that a policy lacks, by `:setIamPolicy` on what it is of; with this discovery id.
    Bindings(&'static str),
    /// A call of the kind's own.
    Custom(fn(&Revision<'_>) -> Result<GoogleRequest, String>),
}

/// What ties a call to the state that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: the API has nothing of the sort.
    None,
    /// A `requestId`: the server ignores a repetition (Compute).
    RequestId,
    /// `ifMetagenerationMatch` (Cloud Storage).
    Metageneration,
    /// `settings.settingsVersion` in the body (Cloud SQL).
    SettingsVersion,
    /// `etag` as a query parameter (Secret Manager's delete).
    EtagQuery,
}

/// A change to be made.
pub struct Revision<'a> {
    /// The resource.
    pub id: &'a ResourceId,
    /// Its kind's table.
    pub descriptor: &'static Descriptor,
    /// How it should be.
    pub desired: &'a Document,
    /// How it was seen.
    pub seen: &'a Value,
    /// The differences.
    pub changes: &'a [Change],
    /// The spec's generation.
    pub generation: i64,
}

/// Where discovery of a kind's collection starts: nothing is written, nothing is compared.
pub const READ_ONLY: Descriptor = Descriptor {
    host: "",
    base: "v1",
    get: "",
    create: Create::Never,
    update: Update::Never("it is not ours to write"),
    delete: None,
    delete_precondition: Precondition::None,
    labels: None,
    written_once: &[],
    immutable: &[],
    unordered: &[],
    keyed: &[],
    whole: &[],
    secret: &[],
    data_store: false,
    readiness: ready,
};

/// Readiness of what is ready as soon as it exists.
pub fn ready(_seen: &Value) -> Readiness {
    Readiness::Ready
}

impl Descriptor {
    /// Path of a resource, or of a method on it when `suffix` is not empty.
    pub fn path(&self, name: &str, suffix: &str) -> String {
        format!("{}/{name}{suffix}", self.base)
    }

    /// A call to this API without query or body.
    pub fn call(&self, method: Method, path: String, method_id: &'static str) -> GoogleRequest {
        GoogleRequest {
            method,
            host: self.host,
            path,
            query: Vec::new(),
            body: crate::plan::Body::Empty,
            method_id,
        }
    }

    /// The call that reads one resource.
    pub fn read(&self, name: &str) -> GoogleRequest {
        self.call(Method::Get, self.path(name, ""), self.get)
    }
}

impl Kind {
    /// The kind's table.
    pub fn descriptor(self) -> &'static Descriptor {
        match self {
            Kind::Project => &project::DESCRIPTOR,
            Kind::EnabledApi => &enabled_api::DESCRIPTOR,
            Kind::ProjectPolicy => &project_policy::DESCRIPTOR,
            Kind::ServiceAccount => &service_account::DESCRIPTOR,
            Kind::ServiceAccountPolicy => &service_account_policy::DESCRIPTOR,
            Kind::Subnetwork => &subnetwork::DESCRIPTOR,
            Kind::Cluster => &cluster::DESCRIPTOR,
            Kind::Secret => &secret::DESCRIPTOR,
            Kind::SecretVersion => &secret_version::DESCRIPTOR,
            Kind::SecretHistory => &secret_history::DESCRIPTOR,
            Kind::SecretPolicy => &secret_policy::DESCRIPTOR,
            Kind::SqlInstance => &sql_instance::DESCRIPTOR,
            Kind::SqlDatabase => &sql_database::DESCRIPTOR,
            Kind::SqlUser => &sql_user::DESCRIPTOR,
            Kind::SqlOperation => &sql_operation::DESCRIPTOR,
            Kind::Bucket => &bucket::DESCRIPTOR,
            Kind::BucketPolicy => &bucket_policy::DESCRIPTOR,
            Kind::Object => &object::DESCRIPTOR,
            Kind::InternalAddress => &address::INTERNAL,
            Kind::GlobalAddress => &address::GLOBAL,
            Kind::Firewall => &firewall::DESCRIPTOR,
            Kind::Disk => &disk::DESCRIPTOR,
            Kind::Instance => &instance::DESCRIPTOR,
            Kind::GuestAttributes => &guest_attributes::DESCRIPTOR,
            Kind::Repository => &repository::DESCRIPTOR,
            Kind::Attestor => &attestor::DESCRIPTOR,
            Kind::AdmissionPolicy => &admission_policy::DESCRIPTOR,
            Kind::RepositoryPolicy => &repository_policy::DESCRIPTOR,
            Kind::DockerImage => &docker_image::DESCRIPTOR,
            Kind::ImagePart => &image_part::DESCRIPTOR,
            Kind::Certificate => &certificate::DESCRIPTOR,
            Kind::CertificateMap => &certificate_map::DESCRIPTOR,
            Kind::CertificateMapEntry => &certificate_map_entry::DESCRIPTOR,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_stores_do_not_go_by_themselves() {
        use crate::resources::google::driver;
        for kind in Kind::ALL {
            let id = ResourceId::google(kind, "projects/p/things/t");
            let seen = serde_json::json!({"id": "1", "etag": "x", "metageneration": "1", "generation": "1"});
            let goes = driver::deletable(kind) || driver::delete(&id, &seen).is_some();
            assert!(!kind.descriptor().data_store || !goes, "{}", kind.name());
        }
    }
}
