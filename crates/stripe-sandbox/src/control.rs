//! What Stripe lets nobody control: the verbs of `/_sandbox/…`, faults to order, the log of requests, and the pages that a
//! person would see at Stripe or at a bank.

pub(crate) mod authentication;
pub(crate) mod faults;
pub(crate) mod onboarding;
pub(crate) mod request_log;
pub(crate) mod verbs;
