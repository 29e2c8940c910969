//! How a secret's content is drawn when it is made.

use serde::Serialize;

/// What the content of a generated secret looks like. The drawing itself happens in `cloud/draw.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Recipe {
    /// So many characters of `[A-Za-z0-9]`: nothing a DSN, a URL or a shell could misread.
    Alphanumeric(usize),
    /// So many random bytes as base64url without padding.
    Base64Url(usize),
}
