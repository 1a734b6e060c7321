//! The expressions of requests: conditions, updates, key conditions and projections, as far as this store has them.

mod condition;
mod key_condition;
mod parser;
mod projection;
mod token;
mod update;

pub(crate) use condition::parse_conditions;
pub(crate) use key_condition::parse_key_condition;
pub(crate) use parser::Substitutions;
pub(crate) use projection::{Projection, parse_projection};
pub(crate) use update::parse_assignments;
