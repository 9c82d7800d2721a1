//! What crosses domains, each a rule of the repository told as a test.

mod architecture;
mod bad_input;
mod error_codes;
mod journey;
mod licences;
mod money;
mod rls;
mod source;
mod world;
