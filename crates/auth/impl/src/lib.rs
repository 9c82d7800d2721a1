//! Sign-in, sessions and authorisation.
