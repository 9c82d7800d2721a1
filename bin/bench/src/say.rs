//! What the benchmarks print.

use std::io::Write;

/// Prints a line.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
