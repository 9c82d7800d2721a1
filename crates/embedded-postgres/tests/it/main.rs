//! Real clusters: made, started, killed, recovered.
#![allow(clippy::unwrap_used)]

mod helper;
mod killed;
mod life;
mod npm;
mod programs;
mod root;
mod shared;
