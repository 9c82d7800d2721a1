//! Passkeys: added, renamed, used to sign in, removed.

use serde_json::{Value, json};
use testkit::Authenticator;

use super::super::{Cases, HIDDEN, ONESELF, Scene};
use crate::walk::Walk;
use crate::world::{Party, World};

/// Where the pages of this world's server are, as passkeys see it.
fn page(world: &World) -> String {
    world.base.replace("127.0.0.1", "localhost")
}

/// A passkey of the owner, and another that was asked for.
pub async fn things(world: &World, scene: &mut Scene) {
    let owner = &scene.owner;
    world.prove(owner).await;
    let mut authenticator = Authenticator::on(&page(world));
    let asked = owner.http.post("/api/user/passkeys/options", json!({})).await.expect(200);
    let made = authenticator.make(&asked.body["publicKey"]).expect("it has none");
    let new = json!({"requestId": asked.text("/requestId"), "name": "Phone", "credential": made});
    let added = owner.http.post("/api/user/passkeys", new).await.expect(201);
    owner.http.post("/api/user/passkeys/options", json!({})).await.expect(200);
    scene.keep("passkey", added.text("/passkey/id"));
}

/// How the routes of passkeys are called.
pub fn cases(scene: &Scene, cases: &mut Cases) {
    let options = "/api/user/passkeys/options";
    // Whose address is not proven adds none.
    cases.add("POST /api/user/passkeys/options", options, None, &[200, 403], &[200, 403]);
    let again = "/api/auth/reauthenticate/passkey/options";
    cases.add("POST /api/auth/reauthenticate/passkey/options", again, None, &[200, 409], &[200, 409]);
    let bytes = "AAAAAAAAAAAAAAAAAAAAAA";
    let new = json!({"requestId": "0".repeat(64), "name": "N", "credential": {
        "id": bytes, "response": {"clientDataJSON": bytes, "attestationObject": bytes}
    }});
    cases.add("POST /api/user/passkeys", "/api/user/passkeys", Some(new), ONESELF, ONESELF);
    cases.add("GET /api/user/passkeys", "/api/user/passkeys", None, ONESELF, ONESELF);
    let owners = format!("/api/user/passkeys/{}", scene.id("passkey"));
    cases.add("PATCH /api/user/passkeys/{id}", owners.as_str(), Some(json!({"name": "X"})), HIDDEN, HIDDEN);
    cases.add("DELETE /api/user/passkeys/{id}", owners.as_str(), None, HIDDEN, HIDDEN);
}

/// What a browser answered, in the place of what the example says it did.
fn answered<'a>(request_id: &'a str, credential: &'a Value) -> Vec<(&'static str, &'a str)> {
    let members = [
        "/credential/id",
        "/credential/rawId",
        "/credential/response/clientDataJSON",
        "/credential/response/attestationObject",
        "/credential/response/authenticatorData",
        "/credential/response/signature",
        "/credential/response/userHandle",
    ];
    let of = |pointer: &'static str| {
        let text = credential.pointer(pointer.trim_start_matches("/credential"))?.as_str()?;
        Some((pointer, text))
    };
    [("/requestId", request_id)].into_iter().chain(members.into_iter().filter_map(of)).collect()
}

/// Somebody whose address is proven adds a passkey, signs in with it, and removes it.
pub async fn walk(walk: &mut Walk, owner: &Party) {
    let (nobody, mut authenticator) = (walk.world.anonymous(), Authenticator::on(&page(&walk.world)));
    let asked = walk.send(&owner.http, "POST /api/user/passkeys/options", &[], &[]).await;
    let made = authenticator.make(&asked.body["publicKey"]).expect("it has none");
    let request_id = asked.text("/requestId");
    let added = walk.send(&owner.http, "POST /api/user/passkeys", &[], &answered(&request_id, &made)).await;
    let passkey = added.text("/passkey/id");
    walk.send(&owner.http, "GET /api/user/passkeys", &[], &[]).await;
    walk.send(&owner.http, "PATCH /api/user/passkeys/{id}", &[&passkey], &[]).await;

    let asked = walk.send(&nobody, "POST /api/auth/passkey/options", &[], &[]).await;
    let shown = authenticator.show(&asked.body["publicKey"]);
    let request_id = asked.text("/requestId");
    walk.send(&nobody, "POST /api/auth/passkey", &[], &answered(&request_id, &shown)).await;

    // As second factor and as a fresh proof; the examples of those show a code.
    let login = json!({"email": owner.email, "password": "correct horse battery staple"});
    let token = nobody.post("/api/auth/login", login).await.expect(202).text("/mfaToken");
    let waiting = [("/mfaToken", token.as_str())];
    let asked = walk.send(&nobody, "POST /api/auth/mfa/passkey/options", &[], &waiting).await;
    let shown = authenticator.show(&asked.body["publicKey"]);
    let passkey_shown = json!({"requestId": asked.text("/requestId"), "credential": shown});
    nobody.post("/api/auth/mfa", json!({"mfaToken": token, "passkey": passkey_shown})).await.expect(200);
    walk.send(&owner.http, "POST /api/auth/reauthenticate/passkey/options", &[], &[]).await;
    walk.send(&owner.http, "DELETE /api/user/passkeys/{id}", &[&passkey], &[]).await;
}
