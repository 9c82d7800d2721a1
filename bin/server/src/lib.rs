//! The server: configuration, wiring, command line.
