//! People to start with, signed in.

use serde_json::json;

use crate::world::{Client, World};

/// A password that every party uses.
pub const PASSWORD: &str = "correct horse battery";

/// A signed-in person of an organisation.
#[derive(Clone)]
pub struct Party {
    /// Their client.
    pub http: Client,
    /// Their email.
    pub email: String,
    /// Their id.
    pub user: String,
    /// Their organisation's id.
    pub org: String,
}

impl World {
    /// Registers a person with an organisation.
    pub async fn register(&self, organization: &str) -> Party {
        let email = format!(
            "{}@{}.example",
            uuid::Uuid::now_v7().simple(),
            organization.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "-")
        );
        let body = json!({"email": email, "password": PASSWORD, "name": format!("Owner of {organization}"), "organizationName": organization});
        let answer = self.anonymous().post("/api/auth/register", body).await.expect(201);
        Party {
            http: self.anonymous().with_token(&answer.text("/accessToken")),
            email,
            user: answer.text("/user/id"),
            org: answer.text("/organization/id"),
        }
    }

    /// Lets a person have proven their address, as if they had read their mail.
    pub async fn prove(&self, person: &Party) {
        self.db.run_sql(&format!("update users set email_verified = true where id = '{}'", person.user)).await;
    }

    /// Adds another person to the party's organisation, signed in there.
    pub async fn colleague(&self, party: &Party, role: &str) -> Party {
        // The person has an account (and organisation) of their own first; then the organisation takes them in.
        let person = self.register("Own Company").await;
        self.prove(&person).await;
        self.prove(party).await;
        let invited = party.http.post("/api/users", json!({"email": person.email, "name": "Colleague"})).await.expect(201);
        person.http.act(&format!("/api/invitations/{}/accept", invited.text("/id"))).await.expect(200);
        if role != "member" {
            party.http.put(&format!("/api/users/{}", person.user), json!({"role": role})).await.expect(200);
        }
        let switched = person.http.post("/api/auth/switch-organization", json!({"organizationId": party.org})).await.expect(200);
        Party { http: self.anonymous().with_token(&switched.text("/accessToken")), org: party.org.clone(), ..person }
    }
}
