//! Something that a person must look at, as a row that stays until somebody did.

use kernel::OrgId;
use uuid::Uuid;

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

/// An open alarm as somebody saw it before looking whether its cause is over. Raised again since, it is not what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenAlarm {
    /// Its row.
    pub id: Uuid,
    /// The id of what it is about.
    pub about: String,
    /// How often it had been raised.
    pub times: i64,
}
