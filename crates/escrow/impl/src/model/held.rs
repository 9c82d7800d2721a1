//! How old held money may grow: the provider must pay a balance out within 90 days.

/// From so many days on the doctor warns (docs/domain/money.md).
pub(crate) const WARN_DAYS: u16 = 60;

/// Once money is held for more days than these, its contract is not funded any further (docs/domain/money.md).
pub(crate) const STOP_DAYS: u16 = 75;

/// From so many days on a person must act and is woken (docs/domain/money.md).
pub(crate) const ACT_DAYS: u16 = 85;
