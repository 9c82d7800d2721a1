//! How people sign in to an organisation, and what takes more than one proof.

use auth_api::MfaPolicy;
use kernel::Money;

/// How long sessions live in an organisation, in minutes, and for whom it asks for a second factor. `None`: as the platform has it, which is a bound of
/// both times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct SessionRules {
    /// For how long one may go unused.
    pub idle_minutes: Option<i32>,
    /// For how long one lives after its person signed in, whatever is done with it.
    pub lifetime_minutes: Option<i32>,
    /// For whom it asks for a second factor.
    pub mfa_policy: Option<MfaPolicy>,
}

/// What holds for sessions in an organisation now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// How long they live.
    pub rules: SessionRules,
    /// Whether the platform suspended it: then nobody acts there.
    pub suspended: bool,
}

impl SessionRules {
    /// Less would end what is in use: that a session was used is written down once in a while.
    pub const LEAST_IDLE_MINUTES: i32 = 5;
    /// Less would have people sign in all the time.
    pub const LEAST_LIFETIME_MINUTES: i32 = 15;
    /// 400 days, which is the longest that a platform can have.
    pub const MOST_MINUTES: i32 = 576_000;
}

/// Whether a verb at stake of `amount` is weighty: at or above the threshold. An amount in another currency cannot be compared, so it is.
#[must_use]
pub fn is_weighty(threshold: Option<Money>, amount: Money) -> bool {
    match threshold {
        None => false,
        Some(threshold) if threshold.currency() == amount.currency() => amount.minor() >= threshold.minor(),
        Some(_) => true,
    }
}
