//! What users see of specs: that every variable is there, that every rule works, and what is said when
//! something is wrong.

#[path = "spec/completeness.rs"]
mod completeness;
#[path = "spec/conversion.rs"]
mod conversion;
#[path = "spec/golden.rs"]
mod golden;
#[path = "spec/reading.rs"]
mod reading;
#[path = "spec/rule_tests.rs"]
mod rule_tests;
#[path = "spec/rules.rs"]
mod rules;
#[path = "spec/secrets.rs"]
mod secrets;
