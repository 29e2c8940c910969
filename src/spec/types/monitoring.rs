//! Shapes of uptime checks and alerts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An uptime check from outside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UptimeCheck {
    /// Whether it exists.
    pub enabled: bool,
    /// Path; `/` when left out.
    pub path: Option<String>,
    /// Interval such as `60s`.
    pub check_interval: Option<String>,
    /// Timeout such as `10s`, below the interval.
    pub timeout: Option<String>,
}

/// An alert policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertPolicy {
    /// Unique name.
    pub name: String,
    /// Metric type.
    pub metric_type: String,
    /// `COMPARISON_GT` or `COMPARISON_LT`.
    pub comparison: String,
    /// Threshold.
    pub threshold_value: f64,
    /// Seconds above or below it.
    pub duration_seconds: u32,
    /// Alignment period; `60s` when left out.
    pub aggregation_period: Option<String>,
}
