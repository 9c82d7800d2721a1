//! People and their profile.
