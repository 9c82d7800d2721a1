//! What crosses domains, each a rule of the repository told as a test.

mod architecture;
mod authorisation;
mod bad_input;
mod both_sides;
mod circles;
mod disputes;
mod doors;
mod error_codes;
mod exits;
mod isolation;
mod journey;
mod licences;
mod migrations;
mod money;
mod openapi;
mod operators;
mod people;
mod privileges;
mod replays;
mod rls;
mod rows;
mod source;
mod stripe_side;
mod triggers;
mod world;
