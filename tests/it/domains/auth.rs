//! Sign-in and authorisation: its endpoints are those of `users`.

use futures::future::LocalBoxFuture;
use serde_json::json;

use super::{Domain, Scene};
use crate::world::World;

/// Everyone writes to the trail, sign-in too, and addresses are proven by mail.
pub const DOMAIN: Domain = Domain { calls: &["audit", "mail"], things, rows: ROWS, ..Domain::named("auth") };

/// A key for tokens, which the first token makes; what the version before mailed; identities, and what begins at providers, of which there are none by default;
/// single sign-on, whose issuer would have to answer; and what operators looked at, which only they begin.
const ROWS: &str = "insert into token_keys (kid, public_key, published_at, signs_from, is_first)
    values (gen_random_uuid(), sha256(''), now(), now(), true) on conflict do nothing;
    insert into address_proofs (id, purpose, email, email_key, token_hash, request_hash, code_hash, made_at, expires_at, asked, asked_since)
    values (gen_random_uuid(), 'magic_link', 'before@x.example', 'before@x.example', sha256('a'), sha256('b'), sha256('c'), now(),
        now() + interval '10 minutes', 1, now());
    insert into identities (id, user_id, issuer, subject, provider, linked_at)
        select gen_random_uuid(), id, 'https://issuer.example', id::text, 'oidc', now() from users;
    insert into sign_ins_elsewhere (state_hash, browser_hash, provider, user_id, session_id, return_to, made_at, expires_at)
        select sha256(convert_to(id::text, 'utf8')), sha256(''), 'oidc', id, id, '/', now(), now() + interval '1 minute' from users;
    insert into sign_on_connections (org_id, id, issuer, client_id, secret, created_at, updated_at)
        select org_id, org_id, 'https://issuer.example', '14build', decode(repeat('00', 50), 'hex'), now(), now() from organizations
        on conflict do nothing;
    insert into sign_on_identities (org_id, connection_id, subject, user_id, known_at, last_used_at)
        select c.org_id, c.id, m.user_id::text, m.user_id, now(), now() from sign_on_connections c join memberships m on m.org_id = c.org_id;
    insert into sign_on_leavers (org_id, user_id, connection_id, since) select org_id, user_id, connection_id, now() from sign_on_identities;
    insert into sign_ons_begun (state_hash, browser_hash, organization, connection_id, return_to, made_at, expires_at)
        select sha256(convert_to(id::text, 'utf8')), sha256(''), org_id, id, '/', now(), now() + interval '1 minute' from sign_on_connections;
    insert into support_sessions (org_id, id, consent_id, operator, reason, token_hash, started_at, expires_at)
        select org_id, gen_random_uuid(), id, 'Olga Operator', 'Ticket', sha256(convert_to(id::text, 'utf8')), granted_at,
            granted_at + interval '1 hour' from support_consents;
    insert into support_requests (org_id, session_id, route, refused, times, first_at, last_at)
        select org_id, id, 'GET /api/users', false, 1, now(), now() from support_sessions";

fn things<'a>(world: &'a World, scene: &'a mut Scene) -> LocalBoxFuture<'a, ()> {
    Box::pin(async move {
        let wrong = json!({"email": scene.owner.email, "password": "not the password"});
        world.anonymous().post("/api/auth/login", wrong).await.expect(401);
    })
}
