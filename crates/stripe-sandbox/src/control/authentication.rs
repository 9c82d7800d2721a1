//! The page where a payer authenticates a payment, in place of the bank's.

use crate::control::onboarding::escape;
use serde_json::Value;

/// The page with its two buttons.
pub(crate) fn page(intent: &Value) -> String {
    let text = |field: &str| escape(intent[field].as_str().unwrap_or_default());
    let (id, currency, amount) = (text("id"), text("currency"), &intent["amount"]);
    format!(
        r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Stripe sandbox: authentication</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>body{{font:16px/1.5 system-ui;max-width:36rem;margin:10vh auto;padding:0 1rem}}
button{{font:inherit;padding:.6rem 1.2rem;border:0;border-radius:.4rem;background:#635bff;color:#fff}}form{{display:inline}}</style></head>
<body><h1>Stripe sandbox</h1><p>The bank asks whether it is you who pays {amount} (smallest units of {currency}) for <code>{id}</code>.</p>
<form method="post" action="?succeed=true"><button>It is me</button></form>
<form method="post" action="?succeed=false"><button>Fail</button></form></body></html>"#
    )
}

/// Where the payer's browser goes afterwards.
pub(crate) fn return_url(intent: &Value) -> Option<String> {
    let url = intent["next_action"]["redirect_to_url"]["return_url"].as_str()?;
    let separator = if url.contains('?') { '&' } else { '?' };
    let text = |field: &str| intent[field].as_str().unwrap_or_default();
    Some(format!("{url}{separator}payment_intent={}&payment_intent_client_secret={}", text("id"), text("client_secret")))
}
