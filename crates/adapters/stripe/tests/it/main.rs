//! The adapter over a real socket.

mod against_sandbox;
mod judging;
mod unknown_words;
