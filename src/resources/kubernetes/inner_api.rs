//! Where plugins find the API: the Service of a version of their key, and, while that key is replaced, a second API
//! (`rotation::inner`).

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{PodTemplateSpec, Service};

use crate::resources::{Declared, ResourceId};
pub use crate::rotation::inner::COMPONENT;

use crate::rotation::inner;
use crate::rotation::server::{Server, Twin};
use crate::rotation::twin;
use crate::slice::Slice;

use super::environment::{self, Application, Plain};
use super::scope::Scope;
use super::service::{self, Wanted};
use super::waits::Waits;
use super::workload::{self, Replacement};
use super::{Kind, api, config, credentials, gates};

/// The version of the key that is to be in use, where it has a Service.
fn wanted(scope: &Scope<'_>) -> Option<u64> {
    inner::service(scope.context, twin::wanted(scope.context, inner::SECRET))
}

/// The address for whoever has the key that is in use.
pub fn url(scope: &Scope<'_>) -> String {
    match wanted(scope) {
        Some(version) => scope.url(&name(scope, version), scope.spec().service_port),
        None => service::api_url(scope),
    }
}

/// Whether the second API is there or is to be.
pub fn stands(scope: &Scope<'_>) -> bool {
    inner::is_changing(scope.context) || inner::is_there(scope.context)
}

/// The Services of the key's versions that are shown, and the second API with what it reads.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let known = inner::service(scope.context, inner::known(scope.context));
    let versions: BTreeSet<u64> = known.into_iter().chain(wanted(scope)).collect();
    let mut all: Vec<Declared> = versions.into_iter().map(|version| keyed(scope, version)).collect();
    if inner::is_changing(scope.context) {
        all.extend(second(scope, application));
    }
    all
}

/// What a server with the key needs of the API: the Service of its version, with pods behind it.
pub fn needs(scope: &Scope<'_>, server: Server, twin: Twin) -> Vec<ResourceId> {
    let Some(version) = wanted(scope) else { return Vec::new() };
    let mut all = vec![service::id(scope, &name(scope, version))];
    if inner::is_changing(scope.context) {
        // One that runs with it already was started when somebody took it.
        let has_it = twin::is_there(scope.context, server, twin)
            && twin::has_wanted(scope.context, server, twin, inner::SECRET);
        all.extend((!has_it).then(|| scope.id(Kind::Deployment, &scope.names().component(COMPONENT))));
    } else if inner::labelled(scope.context) != Some(version) {
        all.push(api::id(scope));
    }
    all
}

/// Labels a template of the API with the version of the key that its pods know.
pub fn label(template: &mut PodTemplateSpec, version: Option<u64>) {
    let labels = template.metadata.get_or_insert_default().labels.get_or_insert_default();
    labels.extend(version.map(|version| (inner::LABEL.to_owned(), version.to_string())));
}

fn name(scope: &Scope<'_>, version: u64) -> String {
    scope.names().component(&format!("{COMPONENT}-v{version}"))
}

fn keyed(scope: &Scope<'_>, version: u64) -> Declared {
    let (spec, name) = (scope.spec(), name(scope, version));
    let ports = vec![service::port("http", spec.service_port, spec.container_port)];
    let mut body: Service = service::inside(scope, Wanted { name: &name, component: COMPONENT, ports });
    if let Some(selector) = body.spec.as_mut().and_then(|spec| spec.selector.as_mut()) {
        // The API's own pods and the second one's: whoever knows it.
        selector.remove("component");
        selector.insert(inner::LABEL.to_owned(), version.to_string());
    }
    scope.declare(Kind::Service, &name, Slice::Workload, vec![], &Waits::default(), &body)
}

/// It is the API but for the key, and nobody but servers with that key call it.
fn second(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let (slice, own, object) =
        (Slice::Workload, config::name(scope, COMPONENT), scope.names().component(COMPONENT));
    let plain: Plain = environment::api::api(scope, application);
    let mut waits = application.waits();
    let secrets = environment::secrets::with_inner_key(scope, &application.secrets, &mut waits);
    let pod = api::pod(scope, &own, &own, environment::checksum(&plain, &secrets), &mut waits);
    let mut template = pod.template(scope, COMPONENT);
    label(&mut template, wanted(scope));
    let replicas = Some(workload::pods(scope.spec().min_instance_count.max(1)));
    let body = workload::deployment(scope, &object, COMPONENT, replicas, Replacement::Rolling, template);
    let mut needs = gates::migrated(scope, &own);
    needs.push(scope.id(Kind::Secret, &own));
    vec![
        config::declare(scope, &own, COMPONENT, slice, &plain, &application.plain_waits),
        credentials::declare(scope, &own, COMPONENT, slice, &secrets, &waits),
        scope.declare(Kind::Deployment, &object, slice, needs, &waits, &body),
    ]
}
