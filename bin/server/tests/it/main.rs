//! The server as a process: what survives when it is killed, how it starts and stops.

mod browser;
mod clients;
mod command_line;
mod crash;
mod crash_disputes;
mod crash_scene;
mod crowd;
mod elsewhere;
mod first_steps;
mod freezing;
mod mail;
mod mailed_secrets;
mod outage;
mod own_money;
mod process;
mod roles;
mod rolling;
mod sealed;
mod security;
mod seven;
mod single_sign_on;
mod stopping;
mod tokens;
mod two_servers;
mod upkeep;
