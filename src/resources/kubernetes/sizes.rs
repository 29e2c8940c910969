//! What containers ask for: CPU, memory and scratch disk, always all three.
//!
//! Autopilot fills in what is missing and raises what is too little, in the stored object; what is
//! explicit can be compared. Limits equal requests unless the user says otherwise: clusters without
//! bursting make them so anyway.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::spec::types::ContainerResources;

/// Amounts of CPU, memory and scratch disk, as quantities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// CPU.
    pub cpu: &'static str,
    /// Memory.
    pub memory: &'static str,
    /// Scratch disk: root file system, logs and `emptyDir` volumes.
    pub scratch: &'static str,
}

/// A size from its three quantities.
pub const fn size(cpu: &'static str, memory: &'static str, scratch: &'static str) -> Size {
    Size { cpu, memory, scratch }
}

/// The user's amounts, and the default for what they left out.
pub fn resources(users: Option<&ContainerResources>, default: Size) -> ResourceRequirements {
    let users = users.cloned().unwrap_or_default();
    let pick = |own: &Option<String>, stock: &str| own.clone().unwrap_or_else(|| stock.to_owned());
    let cpu = pick(&users.cpu_limit, default.cpu);
    let memory = pick(&users.memory_limit, default.memory);
    let scratch = pick(&users.ephemeral_storage_limit, default.scratch);
    ResourceRequirements {
        requests: Some(amounts(
            &pick(&users.cpu_request, &cpu),
            &pick(&users.mem_request, &memory),
            &pick(&users.ephemeral_storage_request, &scratch),
        )),
        limits: Some(amounts(&cpu, &memory, &scratch)),
        ..Default::default()
    }
}

/// Amounts that are given as text, for the user's own jobs and services.
pub fn limits(cpu: Option<&str>, memory: Option<&str>, default: Size) -> ResourceRequirements {
    let users = ContainerResources {
        cpu_limit: cpu.map(str::to_owned),
        memory_limit: memory.map(str::to_owned),
        ..Default::default()
    };
    resources(Some(&users), default)
}

fn amounts(cpu: &str, memory: &str, scratch: &str) -> BTreeMap<String, Quantity> {
    [("cpu", cpu), ("memory", memory), ("ephemeral-storage", scratch)]
        .map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned())))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_follows_the_limit_and_then_the_default() {
        let users = ContainerResources {
            cpu_limit: Some("4".into()),
            mem_request: Some("1Gi".into()),
            ..Default::default()
        };
        let made = resources(Some(&users), size("1", "2Gi", "1Gi"));
        let of = |map: &Option<BTreeMap<String, Quantity>>, name: &str| map.as_ref().unwrap()[name].0.clone();
        assert_eq!([of(&made.requests, "cpu"), of(&made.limits, "cpu")], ["4", "4"]);
        assert_eq!([of(&made.requests, "memory"), of(&made.limits, "memory")], ["1Gi", "2Gi"]);
        assert_eq!(of(&made.requests, "ephemeral-storage"), "1Gi");
    }
}
