//! The page behind an account link, and what its button does.

use crate::objects::standing;
use crate::world::{State, table};
use serde_json::{Value, json};

/// What became of an onboarding link.
#[derive(Debug)]
pub(crate) enum Visit {
    /// The page to show.
    Page(String),
    /// It is done; go back to the platform.
    Done { return_url: String, account: Value },
    /// The link was used or is too old; the platform must make another.
    Stale { refresh_url: String, why: &'static str },
    /// There is no such link.
    Unknown,
}

/// `GET` (show the page) or `POST` (press its button).
pub(crate) fn visit(state: &mut State, token: &str, press: bool) -> Visit {
    let Some(mut link) = state.store.get(table::ACCOUNT_LINKS, token).cloned() else { return Visit::Unknown };
    let text = |field: &str| link[field].as_str().unwrap_or_default().to_owned();
    let (refresh_url, return_url, account) = (text("_refresh_url"), text("_return_url"), text("_for"));
    if link["_used"] == true {
        return Visit::Stale { refresh_url, why: "this account link was used already; make another one" };
    }
    if link["expires_at"].as_i64().unwrap_or(0) <= state.now {
        return Visit::Stale { refresh_url, why: "this account link has expired; make another one" };
    }
    if !press {
        return Visit::Page(page(&account, &return_url));
    }
    link["_used"] = json!(true);
    state.store.put(table::ACCOUNT_LINKS, token, link);
    match complete(state, &account) {
        Some(account) => Visit::Done { return_url, account },
        None => Visit::Unknown,
    }
}

/// The account holder has told everything.
pub(crate) fn complete(state: &mut State, id: &str) -> Option<Value> {
    let mut account = state.store.get(table::ACCOUNTS, id)?.clone();
    standing::verify(&mut account, state.now);
    state.save(table::ACCOUNTS, &account);
    standing::announce(state, &account);
    Some(account)
}

fn page(account: &str, return_url: &str) -> String {
    let (account, return_url) = (escape(account), escape(return_url));
    format!(
        r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Stripe sandbox: onboarding</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>body{{font:16px/1.5 system-ui;max-width:36rem;margin:10vh auto;padding:0 1rem}}
button{{font:inherit;padding:.6rem 1.2rem;border:0;border-radius:.4rem;background:#635bff;color:#fff}}</style></head>
<body><h1>Stripe sandbox</h1><p>At Stripe, the holder of <code>{account}</code> would now tell who they are and where their money goes.
Here one button does it.</p><form method="post"><button>Complete onboarding</button></form><p>Then back to {return_url}</p></body></html>"#
    )
}

/// Text as HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
