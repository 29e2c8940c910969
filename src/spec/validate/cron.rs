//! Cron expressions, as far as one can tell right from wrong without running them.

/// Names and bounds of the five fields.
const FIELDS: [(&str, u32, u32); 5] =
    [("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7)];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What is wrong with a five-field cron expression, if anything.
pub(super) fn fault(expression: &str) -> Option<String> {
    let parts: Vec<_> = expression.split_ascii_whitespace().collect();
    if parts.len() != FIELDS.len() {
        return Some(format!("it has {} fields instead of 5", parts.len()));
    }
    let wrong =
        parts.iter().zip(FIELDS).find(|(part, field)| !part.split(',').all(|item| fits(item, *field)))?;
    Some(format!("\"{}\" is no {}", wrong.0, wrong.1.0))
}

fn fits(item: &str, field: (&str, u32, u32)) -> bool {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    if step.is_some_and(|step| step.parse::<u32>().map_or(true, |step| step == 0)) {
        return false;
    }
    match range.split_once('-') {
        _ if range == "*" => true,
        Some((from, to)) => match (number(from, field), number(to, field)) {
            (Some(from), Some(to)) => from <= to,
            _ => false,
        },
        None => number(range, field).is_some(),
    }
}

fn number(text: &str, (name, min, max): (&str, u32, u32)) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    let by_name = |names: &[&str], base: u32| {
        names
            .iter()
            .position(|known| *known == lower)
            .and_then(|at| u32::try_from(at).ok())
            .map(|at| at + base)
    };
    let named = match name {
        "month" => by_name(&MONTHS, 1),
        "day of week" => by_name(&DAYS, 0),
        _ => None,
    };
    named.or_else(|| text.parse().ok()).filter(|number| (min..=max).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_told_right_from_wrong() {
        for good in ["0 2 * * *", "*/15 0-6,22 1 jan-mar MON", "5 4 * * 7", "0 0 1,15 * 1-5/2"] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in
            ["", "@daily", "0 2 * *", "0 2 * * * *", "60 * * * *", "* * 0 * *", "*/0 * * * *", "5-1 * * * *"]
        {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }
}
