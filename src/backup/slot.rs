//! A slot: the time a backup is for, to the second, as part of object names: `20261126T020000Z`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

/// The time a backup is for. Two requests for one slot are one backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(Timestamp);

impl Slot {
    /// The slot of a time; parts of a second do not count.
    pub fn at(time: Timestamp) -> Self {
        Self(Timestamp::from_second(time.as_second()).unwrap_or(time))
    }

    /// The time.
    pub fn time(self) -> Timestamp {
        self.0
    }

    /// The slot in names of Kubernetes objects, which are in lower case.
    pub fn lower(self) -> String {
        self.to_string().to_ascii_lowercase()
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y%m%dT%H%M%SZ"))
    }
}

impl FromStr for Slot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is not a slot such as 20261126T020000Z");
        let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).map_err(|_| wrong())?;
        let zoned = parsed.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
        let slot = Self(zoned.timestamp());
        if slot.to_string() == text { Ok(slot) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_read_as_it_is_written_and_nothing_else_is() {
        let slot = Slot::at("2026-11-26T02:00:00.75Z".parse().unwrap());
        assert_eq!(slot.to_string(), "20261126T020000Z");
        assert_eq!("20261126T020000Z".parse(), Ok(slot));
        for other in ["restores", "20261126", "20261326T020000Z", "20261126T020000Z/x", "20261126t020000z"] {
            assert!(other.parse::<Slot>().is_err(), "{other}");
        }
    }
}
