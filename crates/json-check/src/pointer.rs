//! Places in a JSON value, as pointers (RFC 6901).

use serde_json::Value;

/// Appends a member's name or an index to a JSON pointer (RFC 6901).
pub fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    for c in segment.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// Every place of `value` that `found` accepts, as JSON pointers.
pub fn visit(value: &Value, pointer: &mut String, found: &mut impl FnMut(&Value, Option<&str>, &str)) {
    found(value, None, pointer);
    let length = pointer.len();
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                push_segment(pointer, &index.to_string());
                visit(item, pointer, found);
                pointer.truncate(length);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                push_segment(pointer, name);
                found(member, Some(name), pointer);
                visit(member, pointer, found);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}
