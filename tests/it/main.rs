//! What crosses domains, each a rule of the repository told as a test.

mod architecture;
mod error_codes;
mod licences;
mod source;
