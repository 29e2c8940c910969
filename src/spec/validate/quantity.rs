//! Quantities as Kubernetes writes them: `2000m`, `4Gi`.

use std::cmp::Ordering;

/// A quantity, exact enough to compare and add: thousandths of the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Quantity {
    thousandths: i128,
}

/// Suffixes and the factor each stands for, in thousandths.
const SUFFIXES: [(&str, i128); 14] = [
    ("Ki", 1024 * 1000),
    ("Mi", 1024 * 1024 * 1000),
    ("Gi", 1024 * 1024 * 1024 * 1000),
    ("Ti", 1024 * 1024 * 1024 * 1024 * 1000),
    ("Pi", 1024 * 1024 * 1024 * 1024 * 1024 * 1000),
    ("Ei", 1024 * 1024 * 1024 * 1024 * 1024 * 1024 * 1000),
    ("m", 1),
    ("k", 1_000_000),
    ("M", 1_000_000_000),
    ("G", 1_000_000_000_000),
    ("T", 1_000_000_000_000_000),
    ("P", 1_000_000_000_000_000_000),
    ("E", 1_000_000_000_000_000_000_000),
    ("", 1000),
];

impl Quantity {
    /// Reads a quantity; signs and exponents, which nobody writes in a spec, are none.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|sign: char| !sign.is_ascii_digit() && sign != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(digits);
        let factor = SUFFIXES.iter().find(|(known, _)| *known == suffix)?.1;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || whole.len() > 15 || fraction.len() > 9 || number.ends_with('.') {
            return None;
        }
        let whole: i128 = whole.parse().ok()?;
        let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
        let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let thousandths = whole.checked_mul(factor)?.checked_add(part.checked_mul(factor)? / scale)?;
        Some(Self { thousandths })
    }

    /// The sum of several times a quantity and another.
    pub fn plus(self, times: u32, other: Self) -> Self {
        let product = other.thousandths.saturating_mul(i128::from(times));
        Self { thousandths: self.thousandths.saturating_add(product) }
    }

    /// In whole units (cores, bytes), rounded up.
    pub fn units(self) -> i128 {
        self.thousandths.div_euclid(1000) + i128::from(self.thousandths.rem_euclid(1000) != 0)
    }

    /// For people: mebibytes from a mebibyte on, else thousandths.
    pub fn words(self) -> String {
        const MEBI: i128 = 1024 * 1024 * 1000;
        match self.thousandths.cmp(&MEBI) {
            Ordering::Less => format!("{}m", self.thousandths),
            _ => format!("{}Mi", self.thousandths / MEBI),
        }
    }
}

/// Whether a memory quantity carries a binary suffix.
pub(super) fn has_binary_suffix(text: &str) -> bool {
    ["Ki", "Mi", "Gi", "Ti"].iter().any(|suffix| text.ends_with(suffix)) && Quantity::parse(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_compare_across_suffixes() {
        let read = |text| Quantity::parse(text).unwrap();
        assert_eq!(read("2"), read("2000m"));
        assert_eq!(read("1.5"), read("1500m"));
        assert_eq!(read("1Gi"), read("1024Mi"));
        assert!(read("4G") < read("4Gi"));
        assert_eq!(read("500m").plus(3, read("1")).words(), "3500m");
        assert_eq!(read("1Gi").plus(1, read("512Mi")).words(), "1536Mi");
        assert_eq!(read("1500m").units(), 2);
    }

    #[test]
    fn what_is_no_quantity_is_not_read_as_one() {
        for text in ["", "Gi", "-1", "1e3", "4GB", "4 Gi", ".5", "1.", "1.2.3", "99999999999999999Gi"] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }
}
