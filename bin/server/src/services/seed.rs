//! What a fresh development server starts with: two organisations that can sign in.

use serde_json::json;

use crate::demo::{Client, DemoError};

/// The password of the demo logins.
const PASSWORD: &str = "fourteen-build-demo";

/// Registers the demo logins, unless they are there, and says what they are.
///
/// # Errors
/// If the server does not answer as it should.
pub async fn seed(base: &str) -> Result<Vec<String>, DemoError> {
    let api = Client::new(base);
    let mut lines = vec![format!("  demo logins, password {PASSWORD:?}:")];
    for (email, name, organization) in [
        ("owner@demo.example", "Ada Owner", "Demo Developments"),
        ("contractor@demo.example", "Ben Builder", "Demo Construction"),
        ("rival@demo.example", "Cleo Mason", "Demo Stone & Sons"),
    ] {
        let body = json!({"email": email, "password": PASSWORD, "name": name, "organizationName": organization});
        match api.post("/api/auth/register", body, 201).await {
            Ok(_) | Err(DemoError::Unexpected { status: 409, .. }) => lines.push(format!("    {email:<26} {organization}")),
            Err(error) => return Err(error),
        }
    }
    Ok(lines)
}
