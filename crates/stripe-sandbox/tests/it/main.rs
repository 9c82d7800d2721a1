//! The sandbox, driven over a socket.
