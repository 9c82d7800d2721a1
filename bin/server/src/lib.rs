//! `build14`, the server: configuration, wiring, command line. A library too, so that tests run the very same server.

pub mod command;
pub mod config;
mod data_dir;
pub mod database;
pub mod demo;
mod listener;
pub mod modules;
pub mod scrape;
pub mod secrets;
pub mod server;
pub mod services;
pub mod telemetry;
pub mod upkeep;
