//! Five-field cron in UTC: when a schedule comes round next.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::context::after;

/// A parsed schedule: the allowed values of each field as bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether day of month and day of week are both restricted: then either is enough.
    either_day: bool,
}

/// Every minute of four years; what has not come round by then never does.
const MINUTES_AHEAD: u32 = 4 * 366 * 24 * 60;

impl Cron {
    /// Reads `minute hour day month weekday` or `every N minutes|hours`. Nothing for anything else.
    pub fn parse(schedule: &str) -> Option<Self> {
        if let Some(rest) = schedule.strip_prefix("every ") {
            let (number, unit) = rest.split_once(' ')?;
            return match unit {
                "minutes" | "mins" => Self::parse(&format!("*/{number} * * * *")),
                "hours" => Self::parse(&format!("0 */{number} * * *")),
                _ => None,
            };
        }
        let fields: Vec<&str> = schedule.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else { return None };
        let week = field(weekdays, 0, 7)?;
        Some(Self {
            minutes: field(minutes, 0, 59)?,
            hours: field(hours, 0, 23)?,
            days: field(days, 1, 31)?,
            months: field(months, 1, 12)?,
            // Sunday is 0 and 7.
            weekdays: if week & (1 << 7) == 0 { week } else { week | 1 },
            either_day: !days.starts_with('*') && !weekdays.starts_with('*'),
        })
    }

    /// The first time after `now` it comes round.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let minute = now.as_second().div_euclid(60) + 1;
        let mut time = Timestamp::from_second(minute * 60).ok()?;
        for _ in 0..MINUTES_AHEAD {
            if self.holds(time) {
                return Some(time);
            }
            time = after(time, Duration::from_secs(60));
        }
        None
    }

    fn holds(&self, time: Timestamp) -> bool {
        let local = time.to_zoned(TimeZone::UTC);
        let has = |bits: u64, value: i8| bits & (1 << value) != 0;
        let day = has(self.days, local.day());
        let weekday = has(self.weekdays, local.weekday().to_sunday_zero_offset());
        has(self.minutes, local.minute())
            && has(self.hours, local.hour())
            && has(self.months, local.month())
            && if self.either_day { day || weekday } else { day && weekday }
    }
}

fn field(text: &str, least: u32, most: u32) -> Option<u64> {
    let mut bits = 0;
    for part in text.split(',') {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, step.parse::<u32>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match span.split_once('-') {
            _ if span == "*" => (least, most),
            Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
            None => {
                let only: u32 = span.parse().ok()?;
                (only, if part.contains('/') { most } else { only })
            }
        };
        if from < least || to > most || from > to {
            return None;
        }
        (from..=to).step_by(step as usize).for_each(|value| bits |= 1 << value);
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &str, now: &str) -> String {
        let now = now.parse().expect("a time");
        Cron::parse(schedule).expect(schedule).next(now).expect("a next time").to_string()
    }

    #[test]
    fn schedules_come_round_when_cron_says() {
        assert_eq!(next("*/15 * * * *", "2026-01-01T00:00:30Z"), "2026-01-01T00:15:00Z");
        assert_eq!(next("0 2 * * *", "2026-01-01T02:00:00Z"), "2026-01-02T02:00:00Z");
        assert_eq!(next("30 1 * * 0", "2026-01-01T00:00:00Z"), "2026-01-04T01:30:00Z");
        assert_eq!(next("0 0 29 2 *", "2026-01-01T00:00:00Z"), "2028-02-29T00:00:00Z");
        assert_eq!(next("every 5 minutes", "2026-01-01T00:01:00Z"), "2026-01-01T00:05:00Z");
        assert!(Cron::parse("61 * * * *").is_none());
        assert!(Cron::parse("* * *").is_none());
    }
}
