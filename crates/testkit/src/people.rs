//! Organisations and people put straight into the database, for tests of domains that stand above sign-in.

use kernel::{Ctx, OrgId, OrgRole, ProjectRoles, RequestId, UserId};

use crate::Database;

/// An organisation with one person in it.
#[derive(Debug, Clone, Copy)]
pub struct Party {
    /// The organisation.
    pub org: OrgId,
    /// The person.
    pub user: UserId,
    /// The person's role.
    pub role: OrgRole,
}

impl Party {
    /// The context of a request by this person.
    #[must_use]
    pub fn ctx(&self) -> Ctx {
        Ctx::user(self.org, self.user, self.role, ProjectRoles::default(), RequestId::generate())
    }
}

impl Database {
    /// An organisation called `name` with an owner.
    pub async fn party(&self, name: &str) -> Party {
        let org = OrgId::new();
        let slug = format!("{}-{}", name.to_lowercase().replace(' ', "-"), org.0.simple());
        self.run_sql(&format!("insert into organizations (org_id, name, slug) values ('{org}', '{name}', '{slug}')")).await;
        self.person(org, OrgRole::Owner).await
    }

    /// Another person in an organisation, as an owner made them a member.
    pub async fn person(&self, org: OrgId, role: OrgRole) -> Party {
        let user = UserId::new();
        self.run_sql(&format!(
            "insert into users (id, email, email_key, name) values ('{user}', '{user}@test.example', '{user}@test.example', 'Test Person');
             insert into memberships (org_id, user_id, role, granter_role) values ('{org}', '{user}', '{role}', 'owner')"
        ))
        .await;
        Party { org, user, role }
    }
}
