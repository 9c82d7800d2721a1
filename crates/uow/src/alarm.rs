//! Something that a person must look at, as a row that stays until somebody did.

use kernel::OrgId;

/// What is wrong, about which object. Raised in the transaction of what happened, so that neither is there without the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Stable name, such as `release_unknown`: lower case, digits and underscores.
    pub kind: &'static str,
    /// What it is about: the type (`release`, `currency`), and the id.
    pub about: (&'static str, String),
    /// Whose it is. In a tenant's transaction it is that tenant's, whatever is said here.
    pub org: Option<OrgId>,
    /// What happened and what to do, in one line.
    pub detail: String,
}
