//! People and their profile as other crates see them.
