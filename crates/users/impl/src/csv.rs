//! Lines of CSV, as RFC 4180 wants them, in which a spreadsheet finds no formula.

use serde_json::Value;

/// A line of these values.
pub(crate) fn line<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    joined(values.into_iter().map(value))
}

/// A line of these texts, such as the names of columns.
pub(crate) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    joined(texts.into_iter().map(field))
}

fn joined(fields: impl Iterator<Item = String>) -> String {
    format!("{}\r\n", fields.collect::<Vec<_>>().join(","))
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => field(text),
        other => quoted(&other.to_string()),
    }
}

/// A text. What a spreadsheet would take for a formula begins with an apostrophe, so that it is none.
fn field(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { quoted(&format!("'{text}")) } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
