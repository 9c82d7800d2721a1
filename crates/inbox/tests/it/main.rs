//! The inbox on a real PostgreSQL, with domains that note what they hear.

mod hearing;
mod http;
mod lost;
mod world;
