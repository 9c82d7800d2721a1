//! Reasons that another party reads.

use kernel::text::{self, TextFlaw};
use tenders_api::Error;

/// The most characters of a reason.
const MOST_REASON: usize = 2_000;

/// A reason as it is kept; `why` is what the caller is told who gives none.
///
/// # Errors
/// [`Error::Invalid`] at `/reason`: nothing is to be seen in it, or another flaw.
pub fn required(written: &str, why: &str) -> Result<String, Error> {
    text::prose(written, MOST_REASON).map_err(|flaw| match flaw {
        TextFlaw::Blank => Error::invalid("/reason", "REQUIRED", why),
        flaw => Error::Invalid(vec![flaw.at("/reason")]),
    })
}

/// A reason that may be left out.
///
/// # Errors
/// [`Error::Invalid`] at `/reason`.
pub fn optional(written: Option<&str>) -> Result<Option<String>, Error> {
    text::optional_prose(written, MOST_REASON).map_err(|flaw| Error::Invalid(vec![flaw.at("/reason")]))
}
