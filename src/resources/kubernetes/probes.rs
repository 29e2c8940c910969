//! Probes of containers.

use k8s_openapi::api::core::v1::{ExecAction, HTTPGetAction, Probe, TCPSocketAction};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::spec::types::Probe as Wanted;

/// When a probe runs and what counts, in seconds and times.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Seconds between two probes.
    pub period_secs: i32,
    /// Seconds after which one counts as failed.
    pub timeout_secs: i32,
    /// Failures in a row that have an effect.
    pub failures: i32,
}

/// A pace from period, timeout and failures.
pub const fn pace(period_secs: i32, timeout_secs: i32, failures: i32) -> Pace {
    Pace { period_secs, timeout_secs, failures }
}

/// How soon a pod that answers gets requests, and how soon one that does not gets none.
pub const READINESS: Pace = pace(10, 5, 3);

/// An HTTP probe.
pub fn http(path: &str, port: u16, pace: Pace) -> Probe {
    let action =
        HTTPGetAction { path: Some(path.into()), port: IntOrString::Int(port.into()), ..Default::default() };
    Probe { http_get: Some(action), ..paced(pace) }
}

/// A probe that only opens a connection.
pub fn tcp(port: u16, pace: Pace) -> Probe {
    let action = TCPSocketAction { port: IntOrString::Int(port.into()), ..Default::default() };
    Probe { tcp_socket: Some(action), ..paced(pace) }
}

/// A probe that runs a command in a shell.
pub fn shell(script: &str, pace: Pace) -> Probe {
    let command = ["/bin/bash", "-c", script].map(str::to_owned).to_vec();
    Probe { exec: Some(ExecAction { command: Some(command) }), ..paced(pace) }
}

/// One probe of two configurations: the first wins for each field that it sets.
///
/// Both must be enabled: a default cannot be told from a choice, and switching a probe off is always a
/// choice.
pub fn merged(wins: &Wanted, base: &Wanted) -> Wanted {
    Wanted {
        enabled: Some(wins.enabled.unwrap_or(true) && base.enabled.unwrap_or(true)),
        kind: wins.kind.clone().or_else(|| base.kind.clone()),
        path: wins.path.clone().or_else(|| base.path.clone()),
        initial_delay_seconds: wins.initial_delay_seconds.or(base.initial_delay_seconds),
        timeout_seconds: wins.timeout_seconds.or(base.timeout_seconds),
        period_seconds: wins.period_seconds.or(base.period_seconds),
        failure_threshold: wins.failure_threshold.or(base.failure_threshold),
    }
}

/// A probe as the user wants it; `None` when it is switched off.
pub fn wanted(probe: &Wanted, port: u16, default_path: &str, default: Pace) -> Option<Probe> {
    if probe.enabled == Some(false) {
        return None;
    }
    let number =
        |value: Option<u32>, stock: i32| value.map_or(stock, |value| value.try_into().unwrap_or(i32::MAX));
    let pace = Pace {
        period_secs: number(probe.period_seconds, default.period_secs).max(1),
        timeout_secs: number(probe.timeout_seconds, default.timeout_secs).max(1),
        failures: number(probe.failure_threshold, default.failures).max(1),
    };
    let delay = probe.initial_delay_seconds.map(|delay| number(Some(delay), 0));
    Some(Probe { initial_delay_seconds: delay, ..reached(probe, port, default_path, pace) })
}

/// The readiness probe that goes with a liveness probe: it asks the same, at a pace of its own. Without
/// it the load balancer would ask for `/`, which the API answers with 404.
pub fn readiness(liveness: &Wanted, port: u16, default_path: &str) -> Probe {
    reached(liveness, port, default_path, READINESS)
}

fn reached(probe: &Wanted, port: u16, default_path: &str, pace: Pace) -> Probe {
    match probe.kind.as_deref() {
        Some("TCP") => tcp(port, pace),
        _ => http(probe.path.as_deref().unwrap_or(default_path), port, pace),
    }
}

fn paced(pace: Pace) -> Probe {
    Probe {
        period_seconds: Some(pace.period_secs),
        timeout_seconds: Some(pace.timeout_secs),
        failure_threshold: Some(pace.failures),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_config_wins_only_for_what_it_sets() {
        let config = Wanted { enabled: Some(true), period_seconds: Some(7), ..Default::default() };
        let base = Wanted { path: Some("/health".into()), period_seconds: Some(30), ..Default::default() };
        let both = merged(&config, &base);
        assert_eq!((both.path.as_deref(), both.period_seconds), (Some("/health"), Some(7)));
    }

    #[test]
    fn either_switches_a_probe_off() {
        let (on, off) = (
            Wanted { enabled: Some(true), ..Default::default() },
            Wanted { enabled: Some(false), ..Default::default() },
        );
        for (wins, base) in [(&on, &off), (&off, &on)] {
            assert!(wanted(&merged(wins, base), 5001, "/health", READINESS).is_none());
        }
    }

    #[test]
    fn a_tcp_probe_has_no_path() {
        let probe = Wanted { kind: Some("TCP".into()), path: Some("/x".into()), ..Default::default() };
        let made = wanted(&probe, 5001, "/health", READINESS).unwrap();
        assert!(made.http_get.is_none() && made.tcp_socket.is_some());
    }
}
