//! What variables are when nobody sets them.

use std::sync::LazyLock;

use super::Spec;

static DEFAULT: LazyLock<Spec> = LazyLock::new(Spec::default);

/// The spec of a user who wrote nothing.
pub fn spec() -> &'static Spec {
    &DEFAULT
}

/// Whether a variable has another value than its default.
pub fn differs(spec: &Spec, variable: &str) -> bool {
    spec.differs(&DEFAULT, variable)
}
