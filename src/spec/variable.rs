//! What a row of the variable index is, and the macro that turns rows into [`Spec`](super::Spec).

use crate::slice::Slice;

/// How a variable may change once a deployment exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// At any time.
    Mutable,
    /// Never; the text says why.
    Immutable(&'static str),
    /// Only after an explicit acknowledgement; the text says what it does.
    Guarded(&'static str),
}

/// What a wrong value costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Minor impact.
    Low,
    /// Degraded function or higher cost.
    Medium,
    /// Service unavailable or badly degraded.
    High,
    /// Loss of data, outage or a breach.
    Critical,
}

/// Whether this version of the reconciler acts on a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convergence {
    /// It is made so and kept so.
    Converged,
    /// It is read and checked, but nothing is made of it yet: reported as `NotConverged` when set.
    NotConverged,
    /// It has no effect by nature; accepted so that the module's files can be used as they are.
    NoEffect,
}

/// One row of the index.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// The variable's name, also the field of [`Spec`](super::Spec).
    pub name: &'static str,
    /// The Rust type of the field, for `explain`.
    pub type_name: &'static str,
    /// Group number on the Terraform module's page; 30 holds what the module lacks.
    pub group: u8,
    /// The slice it drives.
    pub slice: Slice,
    /// How it may change.
    pub mutability: Mutability,
    /// What a wrong value costs.
    pub risk: Risk,
    /// Whether this version acts on it.
    pub convergence: Convergence,
    /// What it means.
    pub description: &'static str,
}

/// Turns rows into the struct, its defaults, the table and the field setter.
macro_rules! variables {
    ($( $name:ident : $ty:ty = $default:expr ; $group:literal, $slice:expr, $mutability:expr, $risk:expr, $convergence:expr, $description:literal ; )*) => {
        /// What the user asked for: every variable with its value or its default.
        #[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
        pub struct Spec {
            $( #[doc = $description] pub $name: $ty, )*
        }

        impl Default for Spec {
            fn default() -> Self {
                Self { $( $name: $default, )* }
            }
        }

        /// The index, in the order of the rows.
        pub static VARIABLES: &[Variable] = &[
            $( Variable {
                name: stringify!($name),
                type_name: stringify!($ty),
                group: $group,
                slice: $slice,
                mutability: $mutability,
                risk: $risk,
                convergence: $convergence,
                description: $description,
            }, )*
        ];

        impl Spec {
            /// Sets one variable from its document value; an unknown name answers `None`.
            pub fn set(&mut self, name: &str, value: serde_json::Value)
                -> Option<Result<(), serde_path_to_error::Error<serde_json::Error>>> {
                match name {
                    $( stringify!($name) => Some(
                        serde_path_to_error::deserialize(value).map(|parsed| self.$name = parsed)
                    ), )*
                    _ => None,
                }
            }

            /// One variable's value as a document value, with placeholders for secrets; an unknown name
            /// answers `None`.
            pub fn get(&self, name: &str) -> Option<serde_json::Value> {
                match name {
                    $( stringify!($name) => serde_json::to_value(&self.$name).ok(), )*
                    _ => None,
                }
            }

            /// Whether one variable has another value in another spec; an unknown name has not.
            pub fn differs(&self, other: &Spec, name: &str) -> bool {
                match name {
                    $( stringify!($name) => self.$name != other.$name, )*
                    _ => false,
                }
            }
        }
    };
}

pub(super) use variables;
