//! Dify releases, and what belongs to each.
//!
//! The plugin daemon and the sandbox are released in lock-step with Dify and a mismatch shows as odd
//! HTTP errors only, so the pairs are data here, read off upstream's compose files. A release this table
//! does not know takes the nearest lower one of its minor version; another minor is not guessed.

use std::fmt;

/// A Dify release number. A suffix (`1.17.1-rc1`, `1.17.1-ours`) is kept but does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub patch: u32,
    /// What follows a hyphen.
    pub suffix: Option<String>,
}

/// The image tags that belong to a Dify release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The release the tags were read from.
    pub dify: &'static str,
    /// Tag of `langgenius/dify-plugin-daemon`; only tags that end in `-local` exist.
    pub plugin_daemon: &'static str,
    /// Tag of `langgenius/dify-sandbox`.
    pub sandbox: &'static str,
}

/// Known releases, oldest first.
pub const PAIRS: &[Pair] = &[
    pair("1.0.0", "0.0.3-local", "0.2.10"),
    pair("1.2.0", "0.0.7-local", "0.2.11"),
    pair("1.5.0", "0.1.2-local", "0.2.12"),
    pair("1.6.0", "0.1.3-local", "0.2.12"),
    pair("1.7.1", "0.2.0-local", "0.2.12"),
    pair("1.8.0", "0.2.0-local", "0.2.12"),
    pair("1.8.1", "0.2.0-local", "0.2.12"),
    pair("1.9.1", "0.3.0-local", "0.2.12"),
    pair("1.10.0", "0.4.1-local", "0.2.12"),
    pair("1.10.1", "0.4.1-local", "0.2.12"),
    pair("1.12.1", "0.5.3-local", "0.2.12"),
    pair("1.14.2", "0.6.1-local", "0.2.15"),
    pair("1.16.0", "0.6.3-local", "0.2.15"),
    pair("1.16.1", "0.6.3-local", "0.2.15"),
    pair("1.17.0", "0.6.10-local", "0.2.15"),
    pair("1.17.1", "0.6.10-local", "0.2.15"),
];

/// The newest release with known companions.
pub const NEWEST: Pair = pair("1.17.1", "0.6.10-local", "0.2.15");

/// First release that runs from the stock images with a plugin daemon, which is what is deployed here.
pub const FIRST_SUPPORTED: (u32, u32, u32) = (1, 0, 0);

/// First release without CVE-2026-41948, a path traversal rated 9.4.
pub const FIRST_WITHOUT_CVE_2026_41948: (u32, u32, u32) = (1, 16, 0);

/// First release with the agent back end.
pub const FIRST_WITH_AGENT: (u32, u32, u32) = (1, 16, 0);

/// The tag that always means the newest image.
pub const LATEST: &str = "latest";

const fn pair(dify: &'static str, plugin_daemon: &'static str, sandbox: &'static str) -> Pair {
    Pair { dify, plugin_daemon, sandbox }
}

impl Version {
    /// Reads `1.17.1` or `1.17.1-suffix`; anything else, a leading `v` included, is no release.
    pub fn parse(text: &str) -> Option<Self> {
        let (numbers, suffix) = match text.split_once('-') {
            Some((_, "")) => return None,
            Some((numbers, suffix)) => (numbers, Some(suffix.to_owned())),
            None => (text, None),
        };
        let mut parts = numbers.split('.').map(number);
        let (major, minor, patch) = (parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(Self { major, minor, patch, suffix })
    }

    /// The three numbers, for comparing.
    pub fn numbers(&self) -> (u32, u32, u32) {
        (self.major, self.minor, self.patch)
    }

    /// Whether this release is the given one or a later one.
    pub fn at_least(&self, numbers: (u32, u32, u32)) -> bool {
        self.numbers() >= numbers
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        self.suffix.iter().try_for_each(|suffix| write!(f, "-{suffix}"))
    }
}

/// The companions of an `application_version`: the release's own, or those of the nearest lower release
/// of the same minor version. `latest` takes those of [`NEWEST`].
pub fn pair_for(version: &str) -> Option<Pair> {
    if version == LATEST {
        return Some(NEWEST);
    }
    let wanted = Version::parse(version)?;
    PAIRS
        .iter()
        .filter(|pair| {
            let known = numbers_of(pair);
            (known.0, known.1) == (wanted.major, wanted.minor) && known <= wanted.numbers()
        })
        .max_by_key(|pair| numbers_of(pair))
        .copied()
}

/// Whether a release is in the table itself.
pub fn is_known(version: &str) -> bool {
    pair_for(version).is_some_and(|pair| {
        Version::parse(version).is_some_and(|wanted| wanted.numbers() == numbers_of(&pair))
    })
}

/// Whether going from one version to another goes back. `latest` and what is no release never do, as
/// far as one can tell.
pub fn is_downgrade(from: &str, to: &str) -> bool {
    match (Version::parse(from), Version::parse(to)) {
        (Some(from), Some(to)) => to.numbers() < from.numbers(),
        _ => false,
    }
}

fn numbers_of(pair: &Pair) -> (u32, u32, u32) {
    Version::parse(pair.dify).map(|version| version.numbers()).unwrap_or_default()
}

fn number(part: &str) -> Option<u32> {
    let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (part == "0" || !part.starts_with('0'))).then(|| part.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_well_formed() {
        assert!(PAIRS.iter().map(numbers_of).is_sorted());
        assert!(PAIRS.iter().all(|pair| pair.plugin_daemon.ends_with("-local")));
        assert_eq!(PAIRS.last(), Some(&NEWEST));
    }

    #[test]
    fn the_nearest_lower_release_of_the_same_minor_is_taken() {
        assert_eq!(pair_for("1.17.9").map(|pair| pair.dify), Some("1.17.1"));
        assert_eq!(pair_for("1.17.1-ours").map(|pair| pair.dify), Some("1.17.1"));
        assert_eq!(pair_for("1.9.0"), None);
        assert_eq!(pair_for("1.18.0"), None);
        assert_eq!(pair_for("0.15.0"), None);
        assert_eq!(pair_for("latest"), Some(NEWEST));
        assert!(is_known("1.16.0") && !is_known("1.17.9"));
    }

    #[test]
    fn what_is_no_release_is_not_read_as_one() {
        for text in ["v1.17.1", "1.17", "1.17.1.2", "main", "", "1.017.1", "1.17.1-", "-1.0.0"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(is_downgrade("1.10.0", "1.9.1"));
        assert!(!is_downgrade("1.9.1", "1.10.0"));
        assert!(!is_downgrade("latest", "1.9.1"));
    }
}
