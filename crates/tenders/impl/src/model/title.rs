//! Titles of tenders and of their milestones; what a tender is described with.

use kernel::text;

/// The most characters of a title.
pub(super) const MOST_TITLE: usize = 200;
/// The most characters of a description.
pub(super) const MOST_DESCRIPTION: usize = 10_000;

/// A title as it is kept, once it was checked.
#[must_use]
pub fn title(written: &str) -> String {
    text::line(written, MOST_TITLE).unwrap_or_else(|_| written.trim().to_owned())
}

/// A description as it is kept, once it was checked: none where nothing is to be seen.
#[must_use]
pub fn description(written: Option<&str>) -> Option<String> {
    text::optional_prose(written, MOST_DESCRIPTION).unwrap_or_default()
}
