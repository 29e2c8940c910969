//! Which image each component runs.

use std::collections::BTreeSet;

use crate::resources::{Context, Wait, facts};
use crate::spec::Spec;
use crate::spec::types::Component;
use crate::spec::versions::{self, NEWEST};

/// Squid as Canonical builds it for its long-term release. Upstream's compose takes `latest`, which
/// would be another proxy on every node; `ssrf_proxy.image` chooses another.
const SQUID: &str = "ubuntu/squid:6.6-24.04_beta";

/// The client of the db-init Job, which is also upstream's own database image. The script needs psql 15.
const PSQL: &str = "postgres:15-alpine";

/// The client of Cloud Storage in the Jobs of backups: gcloud, and the Python that it needs. Nothing smaller reads
/// and writes objects as streams and is kept up by Google.
const CLOUD_CLI: &str = "gcr.io/google.com/cloudsdktool/google-cloud-cli:525.0.0-slim";

/// What an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// The API image: API, worker, beat, websocket, migration, and the user's jobs unless they say.
    Api,
    /// The web front end.
    Web,
    /// The plugin daemon.
    PluginDaemon,
    /// The code execution sandbox.
    Sandbox,
    /// The proxy for what user code asks of the network.
    SsrfProxy,
    /// Agent v2's server.
    AgentBackend,
    /// Agent v2's sandbox.
    AgentSandbox,
    /// The Cloud SQL Auth Proxy.
    SqlProxy,
    /// The db-init Job, and the database side of backups.
    Psql,
    /// The Cloud Storage side of backups.
    CloudCli,
}

/// The reference of an image, without digest unless the user gave one.
///
/// Companions of a release that the table does not know are the newest; a spec rule warns about it.
pub fn reference(spec: &Spec, image: Image) -> String {
    let version = &spec.application_version;
    let pair = versions::pair_for(version).unwrap_or(NEWEST);
    let own = |component: &Component, stock: String| component.image.clone().unwrap_or(stock);
    match image {
        Image::Api => tagged(&spec.container_image, version),
        // Without a tag of its own it has the version, like the API: the two have to be equal.
        Image::Web => tagged(spec.web.image.as_deref().unwrap_or("langgenius/dify-web"), version),
        Image::PluginDaemon => {
            own(&spec.plugin_daemon, format!("langgenius/dify-plugin-daemon:{}", pair.plugin_daemon))
        }
        Image::Sandbox => own(&spec.sandbox, format!("langgenius/dify-sandbox:{}", pair.sandbox)),
        Image::SsrfProxy => own(&spec.ssrf_proxy, SQUID.into()),
        Image::AgentBackend => own(&spec.agent_backend, format!("langgenius/dify-agent-backend:{version}")),
        Image::AgentSandbox => format!("langgenius/dify-agent-local-sandbox:{version}"),
        Image::SqlProxy => {
            format!("gcr.io/cloud-sql-connectors/cloud-sql-proxy:{}", spec.cloud_sql_proxy_version)
        }
        Image::Psql => PSQL.into(),
        Image::CloudCli => CLOUD_CLI.into(),
    }
}

/// The reference of the API image.
pub fn api(spec: &Spec) -> String {
    reference(spec, Image::Api)
}

/// Every reference whose digest a deployment of this spec needs to know, each once.
pub fn references(spec: &Spec) -> Vec<String> {
    all(spec).into_iter().filter(|reference| !has_digest(reference)).collect()
}

/// Every image that a deployment of this spec runs, each once; those that the spec names by digest, too.
pub fn all(spec: &Spec) -> BTreeSet<String> {
    if !spec.deploy_application {
        return BTreeSet::new();
    }
    let mut wanted = vec![Image::Api, Image::Psql, Image::CloudCli];
    for (wants, image) in [
        (spec.enable_cloudsql_volume, Image::SqlProxy),
        (super::enabled(&spec.web, true), Image::Web),
        (super::enabled(&spec.plugin_daemon, true), Image::PluginDaemon),
        (super::enabled(&spec.sandbox, true), Image::Sandbox),
        (super::enabled(&spec.ssrf_proxy, true), Image::SsrfProxy),
        (super::enabled(&spec.agent_backend, false), Image::AgentBackend),
        (super::enabled(&spec.agent_backend, false), Image::AgentSandbox),
        (super::enabled(&spec.agent_backend, false), Image::SsrfProxy),
    ] {
        wanted.extend(wants.then_some(image));
    }
    let overrides = [&spec.worker, &spec.beat, &spec.api_websocket].map(|component| component.image.clone());
    let users = (spec.initialization_jobs.iter().map(|job| job.image.clone()))
        .chain(spec.cron_jobs.iter().map(|job| job.image.clone()))
        .chain(spec.additional_services.iter().map(|service| Some(service.image.clone())))
        .chain(overrides)
        .flatten();
    wanted.into_iter().map(|image| reference(spec, image)).chain(users).collect()
}

/// An image of ours, pinned to its digest.
pub fn pinned(context: &Context<'_>, image: Image) -> Result<String, Wait> {
    pinned_reference(context, &reference(context.spec, image))
}

/// Any image, pinned to its digest and taken from its copy, when there are copies.
pub fn pinned_reference(context: &Context<'_>, reference: &str) -> Result<String, Wait> {
    facts::pinned(context, reference)
}

fn has_digest(reference: &str) -> bool {
    reference.contains('@')
}

/// A repository with the version as its tag, unless it has a tag or a digest of its own.
fn tagged(repository: &str, version: &str) -> String {
    let last = repository.rsplit('/').next().unwrap_or(repository);
    if last.contains([':', '@']) { repository.to_owned() } else { format!("{repository}:{version}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stock_set_goes_with_the_release() {
        let spec = Spec::default();
        assert_eq!(
            references(&spec),
            [
                "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.18.2",
                "gcr.io/google.com/cloudsdktool/google-cloud-cli:525.0.0-slim",
                "langgenius/dify-api:1.17.1",
                "langgenius/dify-plugin-daemon:0.6.10-local",
                "langgenius/dify-sandbox:0.2.15",
                "langgenius/dify-web:1.17.1",
                "postgres:15-alpine",
                "ubuntu/squid:6.6-24.04_beta",
            ]
        );
    }

    #[test]
    fn an_image_of_the_users_is_taken_as_it_is() {
        let mut spec = Spec { container_image: "eu.example/dify:mine".into(), ..Spec::default() };
        spec.web.image = Some("eu.example/web@sha256:00".into());
        assert_eq!(reference(&spec, Image::Api), "eu.example/dify:mine");
        let references = references(&spec);
        assert!(!references.iter().any(|reference| reference.contains("web")), "a digest needs no look-up");
    }

    #[test]
    fn infrastructure_alone_needs_no_image() {
        let spec = Spec { deploy_application: false, ..Spec::default() };
        assert!(references(&spec).is_empty());
    }
}
