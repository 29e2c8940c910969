//! `schema`: the JSON Schema of the spec.

use super::{FINE, Failure};

/// Prints the schema.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn run() -> Result<u8, Failure> {
    super::print(&format!("{}\n", serde_json::to_string_pretty(&crate::spec::schema::json_schema())?));
    Ok(FINE)
}
