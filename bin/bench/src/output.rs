//! What the benchmarks print.

use std::io::Write;

/// Prints a line.
pub fn print_line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
