//! How long sessions live in an organisation.

/// How long sessions live in an organisation, in minutes. `None`: as the platform has it, which is a bound of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct SessionRules {
    /// For how long one may go unused.
    pub idle_minutes: Option<i32>,
    /// For how long one lives after its person signed in, whatever is done with it.
    pub lifetime_minutes: Option<i32>,
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
