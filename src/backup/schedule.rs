//! A five-field cron schedule in UTC, read backwards: when should the last backup have been?

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How far back is looked: a schedule that has not come round in four years never does.
const MOST_DAYS: u32 = 4 * 366;

/// The values that each field lets through, as bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Both days are restricted: then either is enough, as in every cron.
    either_day: bool,
}

impl Schedule {
    /// Reads `minute hour day month weekday`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else { return None };
        let week = field(weekdays, 0, 7, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"])?;
        let names = ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        Some(Self {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &names)?,
            // Sunday is 0 and 7.
            weekdays: week | (week >> 7 & 1),
            either_day: !days.starts_with('*') && !weekdays.starts_with('*'),
        })
    }

    /// The last time it came round, this minute included.
    pub fn last(&self, now: Timestamp) -> Option<Timestamp> {
        let second = now.as_second() - now.as_second().rem_euclid(60);
        let mut time = Timestamp::from_second(second).ok()?;
        for _ in 0..MOST_DAYS {
            let local = time.to_zoned(TimeZone::UTC);
            if self.is_day(&local) {
                let minute_of_day = u32::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute()));
                let minute_of_day = minute_of_day.ok()?;
                let fits = |minute: &u32| {
                    has(self.hours, i64::from(minute / 60)) && has(self.minutes, i64::from(minute % 60))
                };
                if let Some(minute) = (0..=minute_of_day).rev().find(fits) {
                    let back = i64::from(minute_of_day - minute) * 60;
                    return time.checked_sub(SignedDuration::from_secs(back)).ok();
                }
            }
            // The last minute of the day before.
            let day = time.as_second() - time.as_second().rem_euclid(86_400);
            time = Timestamp::from_second(day - 60).ok()?;
        }
        None
    }

    fn is_day(&self, local: &jiff::Zoned) -> bool {
        let day = has(self.days, i64::from(local.day()));
        let weekday = has(self.weekdays, i64::from(local.weekday().to_sunday_zero_offset()));
        let fits = if self.either_day { day || weekday } else { day && weekday };
        fits && has(self.months, i64::from(local.month()))
    }
}

fn has(bits: u64, value: i64) -> bool {
    bits >> value & 1 == 1
}

fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Option<u64> {
    let number = |text: &str| -> Option<u32> {
        let named = |name: &&str| !name.is_empty() && name.eq_ignore_ascii_case(text);
        let position = names.iter().position(named);
        position.and_then(|position| u32::try_from(position).ok()).or_else(|| text.parse().ok())
    };
    let mut bits = 0;
    for part in text.split(',') {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match span.split_once('-') {
            _ if span == "*" => (least, most),
            Some((from, to)) => (number(from)?, number(to)?),
            None => (number(span)?, if part.contains('/') { most } else { number(span)? }),
        };
        if from < least || to > most || from > to {
            return None;
        }
        (from..=to).step_by(step).for_each(|value| bits |= 1 << value);
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(schedule: &str, now: &str) -> String {
        let schedule = Schedule::parse(schedule).expect(schedule);
        schedule.last(now.parse().unwrap()).expect("it came round").to_string()
    }

    #[test]
    fn the_last_time_is_now_or_before() {
        for (schedule, now, expected) in [
            ("0 2 * * *", "2026-11-26T02:00:00Z", "2026-11-26T02:00:00Z"),
            ("0 2 * * *", "2026-11-26T02:00:59Z", "2026-11-26T02:00:00Z"),
            ("0 2 * * *", "2026-11-26T01:59:59Z", "2026-11-25T02:00:00Z"),
            ("*/20 * * * *", "2026-01-01T00:10:00Z", "2026-01-01T00:00:00Z"),
            ("50 23 * * *", "2026-01-01T00:10:00Z", "2025-12-31T23:50:00Z"),
            ("30 1 * * 7", "2026-11-26T12:00:00Z", "2026-11-22T01:30:00Z"),
            ("30 1 * * sun", "2026-11-26T12:00:00Z", "2026-11-22T01:30:00Z"),
            ("0 0 29 2 *", "2027-01-01T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("0 3 1 * mon", "2026-11-26T12:00:00Z", "2026-11-23T03:00:00Z"),
        ] {
            assert_eq!(last(schedule, now), expected, "{schedule} at {now}");
        }
    }

    #[test]
    fn what_is_no_schedule_never_comes_round() {
        for text in ["", "daily", "61 * * * *", "* * * *", "0 0 31 2 * *", "5-1 * * * *", "*/0 * * * *"] {
            assert!(Schedule::parse(text).is_none(), "{text}");
        }
        assert_eq!(
            Schedule::parse("0 0 30 2 *").unwrap().last("2026-01-01T00:00:00Z".parse().unwrap()),
            None
        );
    }
}
