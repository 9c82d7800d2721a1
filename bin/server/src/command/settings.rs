//! `build14 config`: every setting, and where its value comes from.

use std::process::ExitCode;

use serde_json::json;

use super::print_line;
use crate::config::{self, Shown};

/// Variables that are no settings and yet count.
const OTHERS: [&str; 4] = [embedded_postgres::BIN_VARIABLE, embedded_postgres::CACHE_VARIABLE, "PGSSLROOTCERT", "RUST_LOG"];

/// `build14 config [--json]`
///
/// # Errors
/// After all was shown: what is wrong with it, as every other command says it.
pub fn show(json: bool) -> anyhow::Result<ExitCode> {
    let mut all = config::shown()?;
    all.extend(OTHERS.iter().filter_map(|name| {
        let value = std::env::var_os(name)?.to_string_lossy().into_owned();
        Some(Shown { key: (*name).to_owned(), value, source: (*name).to_owned(), default: String::new() })
    }));
    if json {
        let list: Vec<_> = all.iter().map(object).collect();
        print_line(&serde_json::Value::Array(list).to_string());
    } else {
        for shown in &all {
            print_line(&line(shown));
        }
    }
    config::load(config::Purpose::Everything)?;
    Ok(ExitCode::SUCCESS)
}

fn object(shown: &Shown) -> serde_json::Value {
    json!({ "key": shown.key, "value": shown.value, "source": shown.source, "default": shown.default })
}

fn line(shown: &Shown) -> String {
    let named = |text: &str| if text.is_empty() { "(empty)".to_owned() } else { text.to_owned() };
    let default = match shown.source.as_str() {
        "default" => String::new(),
        _ => format!(" (default {})", named(&shown.default)),
    };
    format!("{:<42} {:<26} {}{default}", shown.key, named(&shown.value), shown.source)
}
