//! What is said to whoever sits there, also where nobody listens to logs.

use std::io::Write;

/// Says a line on standard error.
pub(crate) fn print_notice(line: &str) {
    // Best effort: nobody may be there.
    let _ = writeln!(std::io::stderr(), "14Build: {line}");
}
