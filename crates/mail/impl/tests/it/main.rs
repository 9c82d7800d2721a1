//! Mail on a real PostgreSQL: what is kept, what is sent, what comes back, and what a developer sees of it.

mod pages;
mod reports;
mod sending;
mod world;
