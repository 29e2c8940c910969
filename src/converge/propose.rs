//! From what was seen to what would be done: everything pure between looking and checking.

use jiff::Timestamp;

use crate::inventory::Inventory;
use crate::plan::{self, Plan, removal};
use crate::resources::{self, Context};

use super::Scene;

/// The plan for what was seen, under the orders that people gave.
pub fn propose(scene: &Scene, seen: &Inventory, now: Timestamp) -> Plan {
    let context = scene.context(seen);
    let mut plan = if scene.withdrawn { take_down(scene, &context) } else { keep_up(scene, &context) };
    plan::consent::settle(&mut plan, &scene.orders, scene.generation);
    plan.findings.extend(scene.findings.iter().cloned());
    plan::pause::pause(&mut plan, &scene.orders, now);
    plan
}

/// What makes the deployment be what its spec says.
fn keep_up(scene: &Scene, context: &Context<'_>) -> Plan {
    let (declared, seen) = (resources::declare(context), context.seen);
    let mut plan = plan::plan(&declared, seen, scene.generation);
    plan.findings.extend(resources::google::secret_lost(context));
    crate::backup::retention::expire(&mut plan, context);
    plan.findings.extend(crate::backup::due::findings(context));
    plan.findings.extend(crate::backup::before::findings(context));
    plan.findings.extend(crate::rotation::findings(context));
    plan.findings.extend(resources::google::admission_policy::findings(context));
    resources::watch::merge(&mut plan.findings, resources::watch::findings(context));
    removal::leftovers(&mut plan, &declared, &scene.known, &scene.names, seen);
    super::images::tell(&mut plan, scene, seen);
    plan
}

/// What takes the deployment down.
fn take_down(scene: &Scene, context: &Context<'_>) -> Plan {
    removal::demolition(&resources::declare(context), &scene.known, &scene.names, context.seen)
}
