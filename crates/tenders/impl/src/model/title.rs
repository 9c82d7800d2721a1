//! Titles of tenders and of their milestones.

use kernel::text;

/// The most characters of a title.
pub(super) const MOST_TITLE: usize = 200;

/// A title as it is kept, once it was checked.
#[must_use]
pub fn title(written: &str) -> String {
    text::line(written, MOST_TITLE).unwrap_or_else(|_| written.trim().to_owned())
}
