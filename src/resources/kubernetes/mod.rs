//! Kubernetes objects: what should exist in the cluster.
//!
//! One file per component or kind of object, each with a `declare`; `driver` answers the planner's
//! questions about all of them.

pub mod account;
mod additional;
mod adjustment;
mod agent;
mod api;
mod application;
mod autoscaling;
pub mod backup;
mod beat;
mod compare;
mod config;
mod credentials;
mod cron;
pub mod database;
pub mod db_init;
pub mod driver;
mod environment;
mod front;
mod gates;
mod gateway;
pub mod images;
mod inner_api;
mod job;
mod jobs;
pub mod kind;
pub mod login_trial;
pub mod migration;
mod namespace;
mod network;
mod network_policy;
mod plugin_daemon;
mod pod;
mod policies;
mod probes;
mod proxy;
mod quantity;
mod quota;
mod readiness;
mod sandbox;
mod scope;
mod security;
mod service;
mod sizes;
mod ssrf_proxy;
pub mod stamp;
mod standalone;
mod storage;
mod turn;
mod users;
mod waits;
mod web;
mod websocket;
mod worker;
mod workload;

pub use kind::Kind;

use super::{Context, Declared, ResourceId};
use crate::spec::types::Component;
use environment::Application;
use scope::Scope;

/// Every Kubernetes object that should exist. Without `deploy_application` that is the namespace with
/// its accounts and quota.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let scope = Scope::new(context);
    let mut all = [namespace::declare(&scope), quota::declare(&scope), account::declare(&scope)].concat();
    if context.spec.deploy_application {
        all.extend(deployed(&scope));
    }
    all
}

fn deployed(scope: &Scope<'_>) -> Vec<Declared> {
    let application = Application::new(scope);
    [
        network_policy::declare(scope),
        vec![application::secret(scope, &application)],
        db_init::declare(scope, &application),
        login_trial::declare(scope),
        jobs::declare(scope, &application),
        migration::declare(scope, &application),
        backup::declare(scope, &application),
        plugin_daemon::declare(scope, &application),
        sandbox::declare(scope, &application),
        ssrf_proxy::declare(scope),
        agent::declare(scope, &application),
        service::declare_api(scope),
        api::declare(scope, &application),
        inner_api::declare(scope, &application),
        worker::declare(scope, &application),
        beat::declare(scope, &application),
        websocket::declare(scope, &application),
        web::declare(scope),
        autoscaling::declare(scope),
        additional::declare(scope, &application),
        cron::declare(scope, &application),
        gateway::declare(scope),
        policies::declare(scope),
    ]
    .concat()
}

/// The Secret of a component's own; without a component, the one that everything reads that runs the API image.
pub fn own_secret(context: &Context<'_>, component: &str) -> ResourceId {
    let scope = Scope::new(context);
    scope.id(Kind::Secret, &config::name(&scope, component))
}

/// The Deployment of a component.
pub fn deployment(context: &Context<'_>, component: &str) -> ResourceId {
    let scope = Scope::new(context);
    scope.id(Kind::Deployment, &scope.names().component(component))
}

/// The Job that brings the schema to the version that is wanted, once it is known by which image.
pub fn migration(context: &Context<'_>) -> Option<ResourceId> {
    images::pinned(context, images::Image::Api).ok()?;
    Some(migration::id(&Scope::new(context)))
}

/// The API's workload.
pub fn api(context: &Context<'_>) -> ResourceId {
    api::id(&Scope::new(context))
}

/// Whether a component runs, given what it does when the spec says nothing.
pub fn enabled(component: &Component, default: bool) -> bool {
    component.enabled.unwrap_or(default)
}

#[cfg(test)]
#[path = "../../../tests/golden/fixture.rs"]
mod fixture;
#[cfg(test)]
mod library {
    pub use crate::*;
}
