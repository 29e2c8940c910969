//! Quantities in the one form the server writes them: `1000m` is `1`, `2048Mi` is `2Gi`.

use serde_json::Value;

use crate::embedded::kubernetes::schema::{ANY, Type};

const NANO: i128 = 1_000_000_000;
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

/// Rewrites every quantity of a document.
pub fn canonicalize(value: &mut Value, of: &'static Type) {
    match (&mut *value, of) {
        (Value::String(text), Type::Quantity) => {
            if let Some(canonical) = canonical(text) {
                *text = canonical;
            }
        }
        (Value::Number(number), Type::Quantity) => *value = canonical(&number.to_string()).into(),
        (Value::Object(fields), _) => {
            fields.iter_mut().for_each(|(name, child)| canonicalize(child, of.child(name).unwrap_or(&ANY)));
        }
        (Value::Array(items), _) => items.iter_mut().for_each(|item| canonicalize(item, of.item())),
        _ => {}
    }
}

/// The canonical form; `None` for what is no quantity.
pub fn canonical(text: &str) -> Option<String> {
    let text = text.trim();
    let split =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    if let Some(power) = BINARY.iter().skip(1).position(|known| *known == suffix) {
        let nano = nanos(number, 1024_i128.checked_pow(u32::try_from(power + 1).ok()?)?)?;
        return Some(if nano.abs() < 1024 * NANO { decimal(nano) } else { binary(nano) });
    }
    if let Some(at) = DECIMAL.iter().position(|known| *known == suffix) {
        let thousands = u32::try_from(at).ok()?;
        // `n` is the unit things are counted in here.
        let nano = nanos(number, 1000_i128.checked_pow(thousands)?)?;
        return Some(decimal(nano.checked_div(NANO)?));
    }
    let exponent: u32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some(decimal(nanos(number, 10_i128.checked_pow(exponent)?)?))
}

/// The number times `factor`, in billionths.
fn nanos(number: &str, factor: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let negative = whole.starts_with('-');
    let digits = whole.trim_start_matches(['+', '-']);
    let whole: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let places = u32::try_from(fraction.len()).ok().filter(|places| *places <= 18)?;
    let fraction: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let fraction =
        fraction.checked_mul(NANO)?.checked_mul(factor)?.checked_div(10_i128.checked_pow(places)?)?;
    let sum = whole.checked_mul(NANO)?.checked_mul(factor)?.checked_add(fraction)?;
    Some(if negative { -sum } else { sum })
}

fn decimal(mut nano: i128) -> String {
    let mut at = 0;
    if nano == 0 {
        return "0".to_owned();
    }
    while nano % 1000 == 0 && at + 1 < DECIMAL.len() {
        (nano, at) = (nano / 1000, at + 1);
    }
    format!("{nano}{}", DECIMAL.get(at).unwrap_or(&""))
}

fn binary(nano: i128) -> String {
    let mut whole = nano / NANO + i128::from(nano % NANO > 0);
    let mut at = 0;
    while whole % 1024 == 0 && at + 1 < BINARY.len() {
        (whole, at) = (whole / 1024, at + 1);
    }
    format!("{whole}{}", BINARY.get(at).unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_a_real_server_gave_back() {
        let pairs = [
            ("1000m", "1"),
            ("2048Mi", "2Gi"),
            ("0.5Gi", "512Mi"),
            ("1", "1"),
            ("1500m", "1500m"),
            ("0.5", "500m"),
            ("1024", "1024"),
            ("1.5Gi", "1536Mi"),
            ("10k", "10k"),
            ("1000", "1k"),
            ("100Ki", "100Ki"),
            ("0", "0"),
            ("512", "512"),
            ("2e3", "2k"),
        ];
        for (text, wanted) in pairs {
            assert_eq!(canonical(text).as_deref(), Some(wanted), "{text}");
        }
        assert_eq!(canonical("much"), None);
    }
}
