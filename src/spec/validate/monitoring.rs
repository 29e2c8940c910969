//! Uptime checks and who hears of trouble.

use super::{error, note, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;

/// Intervals that Cloud Monitoring offers, in seconds.
const INTERVALS: [u32; 4] = [60, 300, 600, 900];

/// V-38: interval and timeout are ones that Cloud Monitoring takes.
pub(super) fn uptime_times(spec: &Spec, _: &Given) -> Vec<Finding> {
    let check = &spec.uptime_check_config;
    let (interval_text, timeout_text) =
        (check.check_interval.as_deref().unwrap_or("60s"), check.timeout.as_deref().unwrap_or("10s"));
    let (interval, timeout) = (seconds(interval_text), seconds(timeout_text));
    let mut found = when(!interval.is_some_and(|interval| INTERVALS.contains(&interval)), || {
        error("uptime_check_config.check_interval")
            .message(format!("`check_interval` cannot be \"{interval_text}\""))
            .help("Write 60s, 300s, 600s or 900s.")
    });
    let short = timeout.is_some_and(|timeout| {
        (1..=60).contains(&timeout) && interval.is_none_or(|interval| timeout < interval)
    });
    found.extend(when(!short, || {
        error("uptime_check_config.timeout")
            .message(format!("`timeout` cannot be \"{timeout_text}\" with an interval of {interval_text}"))
            .help("Write 1s to 59s, less than the interval.")
    }));
    found
}

/// P-49: alerts need somebody to go to.
pub(super) fn nobody_hears(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.support_users.is_empty(), || {
        note("support_users")
            .message("nobody gets alerts")
            .help("Write support_users: [someone@example.com].")
    })
}

fn seconds(text: &str) -> Option<u32> {
    text.strip_suffix('s')?.parse().ok()
}
