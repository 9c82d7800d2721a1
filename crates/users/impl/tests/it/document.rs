//! The OpenAPI document of identity: no two schemas of one name, every success with a body shape.

use web::Routes;

#[test]
fn schemas_do_not_contradict_each_other() {
    let mut routes = Routes::new();
    users::routes(&mut routes);
    tenants::routes(&mut routes);
    audit::routes(&mut routes);
    assert!(routes.conflicts().is_empty(), "{:?}", routes.conflicts());
    let listed: Vec<_> =
        routes.catalogue().iter().map(|route| format!("{} {} · {}", route.method, route.path, route.guard)).collect();
    assert_eq!(
        listed,
        [
            "GET /.well-known/jwks.json · public",
            "GET /api/api-keys · permission api_keys.read",
            "POST /api/api-keys · permission api_keys.manage",
            "DELETE /api/api-keys/{id} · permission api_keys.manage",
            "GET /api/api-keys/{id} · permission api_keys.read",
            "PATCH /api/api-keys/{id} · permission api_keys.manage",
            "POST /api/api-keys/{id}/rotate · permission api_keys.manage",
            "GET /api/audit · permission audit.read",
            "GET /api/audit/head · permission audit.read",
            "GET /api/audit/keys · public",
            "GET /api/audit/verify · permission audit.read",
            "POST /api/auth/login · public",
            "POST /api/auth/logout · signed-in",
            "POST /api/auth/logout-everywhere · signed-in",
            "POST /api/auth/magic-link · public",
            "POST /api/auth/magic-link/confirm · public",
            "POST /api/auth/password-reset · public",
            "POST /api/auth/password-reset/confirm · public",
            "POST /api/auth/reauthenticate · signed-in",
            "POST /api/auth/register · public",
            "GET /api/auth/session · signed-in",
            "POST /api/auth/switch-organization · signed-in",
            "POST /api/auth/token · signed-in",
            "POST /api/auth/verification · signed-in",
            "POST /api/auth/verification/confirm · public",
            "POST /api/invitation-links/accept · signed-in",
            "POST /api/invitation-links/look · signed-in",
            "GET /api/invitations · signed-in",
            "POST /api/invitations/{id}/accept · signed-in",
            "POST /api/invitations/{id}/decline · signed-in",
            "GET /api/organization · permission organization.read",
            "PATCH /api/organization · permission organization.update",
            "GET /api/organization/api-key-settings · permission api_keys.read",
            "PUT /api/organization/api-key-settings · permission api_keys.manage",
            "GET /api/organization/invitation-links · permission members.manage",
            "POST /api/organization/invitation-links · permission members.manage",
            "DELETE /api/organization/invitation-links/{id} · permission members.manage",
            "GET /api/organization/invitation-links/{id} · permission members.manage",
            "GET /api/organization/invitations · permission members.manage",
            "DELETE /api/organization/invitations/{id} · permission members.manage",
            "GET /api/organization/invitations/{id} · permission members.manage",
            "POST /api/organization/invitations/{id}/resend · permission members.manage",
            "GET /api/organizations · signed-in",
            "POST /api/organizations · permission organizations.create",
            "DELETE /api/user · signed-in",
            "GET /api/user · signed-in",
            "PATCH /api/user · signed-in",
            "POST /api/user/email · signed-in",
            "POST /api/user/email/confirm · public",
            "PUT /api/user/password · signed-in",
            "GET /api/user/security-events · signed-in",
            "DELETE /api/user/sessions · signed-in",
            "GET /api/user/sessions · signed-in",
            "DELETE /api/user/sessions/{id} · signed-in",
            "GET /api/users · permission members.read",
            "POST /api/users · permission members.manage",
            "DELETE /api/users/{id} · party: who may manage members, or the member themself",
            "GET /api/users/{id} · permission members.read",
            "PUT /api/users/{id} · permission members.manage",
            "DELETE /api/users/{id}/sessions · permission members.manage",
            "POST /api/webhooks/leaked-keys · public",
        ]
    );
}
