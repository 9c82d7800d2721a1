//! The adapter over a real socket.

mod judging;
