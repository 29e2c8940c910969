//! Slots of backups are named by times, which a death puts off: worlds are compared without them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The world with every slot's time replaced by its number, so that one backup too many is still seen.
pub fn numbered(world: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let texts: Vec<(String, String)> =
        world.into_iter().map(|(path, body)| (path, body.to_string())).collect();
    let mut slots = BTreeSet::new();
    for (path, body) in &texts {
        [path, body].into_iter().for_each(|text| slots.extend(found(text).map(|slot| slot.to_uppercase())));
    }
    let numbered = |text: &str| {
        let mut text = text.to_owned();
        for (number, slot) in slots.iter().enumerate() {
            text = text.replace(slot, &format!("SLOT{number}"));
            text = text.replace(&slot.to_lowercase(), &format!("slot{number}"));
        }
        text
    };
    let restored = |body: &str| serde_json::from_str(&numbered(body)).expect("still JSON");
    texts.iter().map(|(path, body)| (numbered(path), restored(body))).collect()
}

/// Everything in a text that looks like `20261123T020000Z`, in either case.
fn found(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices("202611").map(|(at, _)| at);
    starts.filter_map(|at| {
        let slot = text.get(at..at + 16)?;
        let (day, time) = slot.split_at(8);
        let is_time = time.starts_with(['T', 't']) && time.ends_with(['Z', 'z']);
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        (is_time && digits(day) && digits(&time[1..7])).then_some(slot)
    })
}
