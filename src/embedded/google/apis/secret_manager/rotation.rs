//! The schedule of a secret: what is refused of it, and the message when its time has come.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::tasks::seconds;
use super::{SERVICE, notify, quoted};
use crate::embedded::google::context::{Cx, after, stamp};
use crate::embedded::google::error::ApiError;
use crate::embedded::google::store::{World, set, text};

/// Shortest and longest period, in seconds.
const PERIOD_SECS: std::ops::RangeInclusive<f64> = 3600.0..=3_153_600_000.0;

/// How far ahead the next time has to be, in seconds.
const AHEAD_SECS: u64 = 300;

/// What is refused of a rotation that is being set.
pub fn check(cx: &Cx, rotation: &Value) -> Result<(), ApiError> {
    if rotation.is_null() {
        return Ok(());
    }
    let next = text(rotation, "nextRotationTime");
    if let Some(period) = rotation["rotationPeriod"].as_str() {
        if next.is_empty() {
            return Err(ApiError::invalid("next_rotation_time must be set if rotation_period is set."));
        }
        if !seconds(period).is_some_and(|secs| PERIOD_SECS.contains(&secs)) {
            return Err(ApiError::invalid(format!(
                "The rotation_period [{period}] is not between 3600s and 3153600000s."
            )));
        }
    }
    let earliest = after(cx.now, Duration::from_secs(AHEAD_SECS));
    match next.parse::<Timestamp>() {
        Ok(next) if next >= earliest => Ok(()),
        Ok(_) => Err(ApiError::invalid("next_rotation_time must be at least 300s in the future.")),
        Err(_) => Err(ApiError::invalid(format!("next_rotation_time [{next}] is no time."))),
    }
}

/// When the next secret is due.
pub fn next_due(world: &World) -> Option<Timestamp> {
    scheduled(world).into_iter().map(|(next, _)| next).min()
}

/// Rings for every secret whose time has come. The message shows the next time already; without a period there is
/// none, and the rotation is gone.
pub fn ring_due(cx: &mut Cx) {
    let now = cx.now;
    loop {
        let due = scheduled(cx.world).into_iter().filter(|(next, _)| *next <= now).min();
        let Some((due, key)) = due else { break };
        let Some(mut secret) = cx.world.get(&key).cloned() else { break };
        let period = secret["rotation"]["rotationPeriod"].as_str().and_then(seconds);
        match period.filter(|secs| *secs > 0.0) {
            Some(secs) => {
                let next = stamp(after(due, Duration::from_secs_f64(secs)));
                set(&mut secret["rotation"], json!({ "nextRotationTime": next }));
            }
            None => secret.as_object_mut().map(|fields| fields.remove("rotation")).map_or((), drop),
        }
        secret["etag"] = quoted(cx).into();
        cx.world.put(key, secret.clone());
        cx.now = due;
        notify(cx, &secret, "SECRET_ROTATE", None);
        cx.now = now;
    }
}

fn scheduled(world: &World) -> Vec<(Timestamp, String)> {
    let all = world.below(&format!("{SERVICE}/"));
    let next = |secret: &Value| secret["rotation"]["nextRotationTime"].as_str()?.parse().ok();
    all.filter_map(|(key, secret)| Some((next(secret)?, key.to_owned()))).collect()
}
