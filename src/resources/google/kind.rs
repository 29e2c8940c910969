//! The kinds of Google resources that are read and written.

/// A kind of Google resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each variant is the API's own word")]
pub enum Kind {
    Project,
    EnabledApi,
    ProjectPolicy,
    ServiceAccount,
    ServiceAccountPolicy,
    Subnetwork,
    Cluster,
    Secret,
    SecretVersion,
    SecretHistory,
    SecretPolicy,
    SqlInstance,
    SqlDatabase,
    SqlUser,
    SqlOperation,
    Bucket,
    BucketPolicy,
    Object,
    InternalAddress,
    GlobalAddress,
    Firewall,
    Disk,
    Instance,
    GuestAttributes,
    Repository,
    Attestor,
    AdmissionPolicy,
    RepositoryPolicy,
    DockerImage,
    ImagePart,
    Certificate,
    CertificateMap,
    CertificateMapEntry,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 33] = [
        Kind::Project,
        Kind::EnabledApi,
        Kind::ProjectPolicy,
        Kind::ServiceAccount,
        Kind::ServiceAccountPolicy,
        Kind::Subnetwork,
        Kind::Cluster,
        Kind::Secret,
        Kind::SecretVersion,
        Kind::SecretHistory,
        Kind::SecretPolicy,
        Kind::SqlInstance,
        Kind::SqlDatabase,
        Kind::SqlUser,
        Kind::SqlOperation,
        Kind::Bucket,
        Kind::BucketPolicy,
        Kind::Object,
        Kind::InternalAddress,
        Kind::GlobalAddress,
        Kind::Firewall,
        Kind::Disk,
        Kind::Instance,
        Kind::GuestAttributes,
        Kind::Repository,
        Kind::Attestor,
        Kind::AdmissionPolicy,
        Kind::RepositoryPolicy,
        Kind::DockerImage,
        Kind::ImagePart,
        Kind::Certificate,
        Kind::CertificateMap,
        Kind::CertificateMapEntry,
    ];

    /// Whether it is the IAM policy of another resource, whose name it has.
    pub fn is_policy(self) -> bool {
        matches!(
            self,
            Kind::ProjectPolicy
                | Kind::ServiceAccountPolicy
                | Kind::SecretPolicy
                | Kind::BucketPolicy
                | Kind::RepositoryPolicy
        )
    }

    /// The kind's name in plans and status.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Project => "Project",
            Kind::EnabledApi => "EnabledApi",
            Kind::ProjectPolicy => "ProjectPolicy",
            Kind::ServiceAccount => "ServiceAccount(GCP)",
            Kind::ServiceAccountPolicy => "ServiceAccountPolicy",
            Kind::Subnetwork => "Subnetwork",
            Kind::Cluster => "Cluster",
            Kind::Secret => "Secret(GCP)",
            Kind::SecretVersion => "SecretVersion",
            Kind::SecretHistory => "SecretHistory",
            Kind::SecretPolicy => "SecretPolicy",
            Kind::SqlInstance => "SqlInstance",
            Kind::SqlDatabase => "SqlDatabase",
            Kind::SqlUser => "SqlUser",
            Kind::SqlOperation => "SqlOperation",
            Kind::Bucket => "Bucket",
            Kind::BucketPolicy => "BucketPolicy",
            Kind::Object => "Object",
            Kind::InternalAddress => "InternalAddress",
            Kind::GlobalAddress => "GlobalAddress",
            Kind::Firewall => "Firewall",
            Kind::Disk => "Disk",
            Kind::Instance => "Instance",
            Kind::GuestAttributes => "GuestAttributes",
            Kind::Repository => "Repository",
            Kind::Attestor => "Attestor",
            Kind::AdmissionPolicy => "AdmissionPolicy",
            Kind::RepositoryPolicy => "RepositoryPolicy",
            Kind::DockerImage => "DockerImage",
            Kind::ImagePart => "ImagePart",
            Kind::Certificate => "Certificate",
            Kind::CertificateMap => "CertificateMap",
            Kind::CertificateMapEntry => "CertificateMapEntry",
        }
    }
}
