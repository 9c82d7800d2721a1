//! Columns that hold one of a set of names.

use kernel::{Fault, Named, one_named};

/// The value that a column's text names.
///
/// # Errors
/// A fault for a name that this program does not know: the column's CHECK allows more than it should, or the row is from a newer program.
#[track_caller]
pub fn named<T: Named>(name: &str) -> Result<T, Fault> {
    match one_named(name) {
        Some(one) => Ok(one),
        None => Err(Fault::internal(format!("the database holds {name:?}, which is no {} that this program knows", T::SET))),
    }
}
