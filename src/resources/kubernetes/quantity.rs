//! Kubernetes quantities: `500m`, `2Gi`, `1e3` as numbers that can be compared.

/// Thousandths of a quantity; `None` when the text is none.
///
/// Source: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>.
pub fn millis(text: &str) -> Option<i128> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let scale = millis_of_unit(suffix)?;
    let whole = if whole.is_empty() { 0 } else { whole.parse::<i128>().ok()? };
    let fraction = part(fraction, scale)?;
    whole.checked_mul(scale)?.checked_add(fraction)
}

/// Whether two texts are the same amount.
pub fn same(left: &str, right: &str) -> bool {
    left == right || matches!((millis(left), millis(right)), (Some(left), Some(right)) if left == right)
}

fn part(fraction: &str, scale: i128) -> Option<i128> {
    if fraction.is_empty() {
        return Some(0);
    }
    let digits: i128 = fraction.parse().ok()?;
    let divisor = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    digits.checked_mul(scale)?.checked_div(divisor)
}

fn millis_of_unit(suffix: &str) -> Option<i128> {
    Some(match suffix {
        "m" => 1,
        "" => 1000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "T" => 1_000_000_000_000_000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        "Ti" => 1000 << 40,
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?.parse::<u32>().ok()?;
            10_i128.checked_pow(exponent)?.checked_mul(1000)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_amount_in_other_words_is_the_same() {
        for (left, right) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1Gi", "1024Mi"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1k"),
            ("10Gi", "10Gi"),
        ] {
            assert!(same(left, right), "{left} {right}");
        }
        assert!(!same("1Gi", "1G"));
        assert!(!same("1", "1m"));
    }

    #[test]
    fn other_texts_are_no_quantities() {
        for text in ["", "Gi", "two", "1.2.3", "1x", "50%"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
