//! What a fresh development server starts with: three organisations that can sign in, one with a project to look at.

use serde_json::json;

use super::Services;
use crate::demo::{Client, DemoError, villa};

/// The password of the demo logins.
const PASSWORD: &str = "fourteen-build-demo";
/// The organisation that has a project.
const OWNER: &str = "Demo Developments";

/// Who can sign in: an address, a person, an organisation.
const PEOPLE: [(&str, &str, &str); 3] = [
    ("owner@demo.example", "Ada Owner", OWNER),
    ("contractor@demo.example", "Ben Builder", "Demo Construction"),
    ("rival@demo.example", "Cleo Mason", "Demo Stone & Sons"),
];

/// The demo logins, to be shown.
#[must_use]
pub fn demo_logins() -> Vec<web::Login> {
    let login = |(email, name, organization)| web::Login { email, password: PASSWORD, name, organization };
    PEOPLE.map(login).to_vec()
}

/// Registers the demo logins, unless they are there, the first with a project, its units and its schedule of quantities, and says what they are.
///
/// # Errors
/// If the server or its database does not answer as it should.
pub async fn seed(base: &str, services: &Services) -> anyhow::Result<Vec<String>> {
    let api = Client::new(base);
    let mut lines = vec![format!("  demo logins, password {PASSWORD:?}:")];
    for (email, name, organization) in PEOPLE {
        lines.push(format!("    {email:<26} {organization}"));
        // Asked first: a refused registration in the log looks like a fault.
        if users::is_registered(&services.system, email).await? {
            continue;
        }
        tracing::info!(target: crate::database::STARTS, email, "making a demo login");
        let body = json!({"email": email, "password": PASSWORD, "name": name, "organizationName": organization});
        match api.post("/api/auth/register", body, 201).await {
            Ok(registered) if organization == OWNER => {
                let token = registered["accessToken"].as_str().unwrap_or_default();
                villa(&api.with_token(token)).await?;
            }
            // Another server on the same database may have been faster.
            Ok(_) | Err(DemoError::Unexpected { status: 409, .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(lines)
}
