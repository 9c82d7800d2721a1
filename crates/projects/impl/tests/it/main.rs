//! Projects, units and schedules of quantities over HTTP and against a real PostgreSQL.

#![allow(missing_docs, clippy::unwrap_used)]

mod document;
mod fakes;
mod projects;
mod rows;
mod soqs;
mod team;
mod units;
mod world;
