//! Cloud Storage's preconditions on generation and metageneration.

use serde_json::Value;

use super::call::Call;
use super::error::ApiError;
use super::store::text;

/// What a failed condition means for the call.
pub enum Verdict {
    /// All conditions hold.
    Met,
    /// 304: a read whose `NotMatch` condition failed.
    NotModified,
}

/// Checks the call's conditions against the live object, or against its absence (generation 0).
/// Errors: 412 `conditionNotMet`, 400 for a number that is none.
pub fn check(call: &Call, live: Option<&Value>) -> Result<Verdict, ApiError> {
    let generation = live.map_or("0", |object| text(object, "generation"));
    let metageneration = live.map_or("0", |object| text(object, "metageneration"));
    let conditions = [
        ("ifGenerationMatch", generation, true),
        ("ifGenerationNotMatch", generation, false),
        ("ifMetagenerationMatch", metageneration, true),
        ("ifMetagenerationNotMatch", metageneration, false),
    ];
    for (name, actual, must_match) in conditions {
        let Some(expected) = call.query(name) else { continue };
        if expected.parse::<i64>().is_err() {
            return Err(ApiError::invalid(format!("Invalid value for {name}: {expected}")));
        }
        if (expected == actual) != must_match {
            let reading = call.method == "GET" && !must_match;
            return if reading { Ok(Verdict::NotModified) } else { Err(not_met()) };
        }
    }
    Ok(Verdict::Met)
}

fn not_met() -> ApiError {
    ApiError::condition_not_met("At least one of the pre-conditions you specified did not hold.")
}
