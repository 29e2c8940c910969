//! Whatever arrives, with whatever headers: it is opened and decoded, or called poison.
//!
//! An input is lines `name: value`, an empty line, and the body.
#![no_main]

#[path = "../../src/events/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the service uses the rest")]
mod events;

use events::Headers;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let split = input.windows(2).position(|two| two == b"\n\n");
    let (head, body) = split.map_or((input, &[][..]), |at| (&input[..at], &input[at + 2..]));
    let head = String::from_utf8_lossy(head);
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let headers: Headers = lines.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let opened = events::open(&headers, body);
    // Only an empty batch holds nothing.
    assert!(!opened.is_empty() || body.trim_ascii_start().starts_with(b"["));
    for envelope in opened.into_iter().flatten() {
        if let Ok(event) = events::decode(&envelope) {
            assert!(!event.stem().is_empty());
            let (key, again) = (event.key(), events::decode(&envelope).map(|event| event.key()));
            assert_eq!(again, Ok(key), "one envelope has one key");
            assert!(!event.to_json().is_null());
        }
    }
});
