//! What answers look like: examples of the document that several types share.

use serde_json::{Value, json};

/// An organisation.
pub(super) fn organization() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13", "name": "Nordbau GmbH", "slug": "nordbau-gmbh-2f6f3f0a9b13", "kind": "both",
        "categories": ["concrete works", "masonry"], "createdAt": "2026-11-21T08:00:00Z"
    })
}

/// Its owner.
pub(super) fn user() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12", "email": "ada@example.com", "name": "Ada Lovelace",
        "image": "https://example.com/ada.png", "emailVerified": false, "locale": null, "createdAt": "2026-11-21T08:00:00Z"
    })
}

/// Somebody who was invited, came and was given a role.
pub(super) fn member() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b14", "email": "grace@example.com", "name": "Grace Hopper", "image": null,
        "emailVerified": false, "createdAt": "2026-11-21T08:05:00Z", "role": "admin", "organization": organization()
    })
}

/// What the link of a mail holds.
pub(super) fn proof() -> Value {
    json!({ "token": "5f1d0c3b7a9e48628d04c1b6f2e97a350b8d6e41f7c2a9530e6b18d4c7f2a19e" })
}

/// The same, with a new password.
pub(super) fn reset() -> Value {
    json!({
        "token": "5f1d0c3b7a9e48628d04c1b6f2e97a350b8d6e41f7c2a9530e6b18d4c7f2a19e", "password": "correct horse battery staple"
    })
}

/// A passkey.
pub(super) fn passkey() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b95", "name": "Ada's phone", "createdAt": "2026-11-21T08:00:00Z",
        "lastUsedAt": "2026-11-21T09:30:00Z", "backupEligible": true, "backedUp": true
    })
}

/// What an authenticator is asked.
pub(super) fn passkey_challenge() -> Value {
    json!({
        "requestId": "c2a9530e6b18d4c7f2a19e5f1d0c3b7a9e48628d04c1b6f2e97a350b8d6e41f7", "expiresAt": "2026-11-21T08:05:00Z",
        "publicKey": {
            "challenge": "Q1nUBqNyq0fTG0bEcrYyMYYuZ9Qs8JtXkP7gLwVbz3E", "rpId": "build14.example", "allowCredentials": [],
            "userVerification": "required", "timeout": 300000
        }
    })
}

/// What a browser answers when it made a passkey.
pub(super) fn made_credential() -> Value {
    json!({
        "id": "u7mX2cQh5Zk0VbYdN1tRrA", "rawId": "u7mX2cQh5Zk0VbYdN1tRrA", "type": "public-key", "authenticatorAttachment": "platform",
        "response": {
            "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0", "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVikSZ",
            "transports": ["internal", "hybrid"]
        },
        "clientExtensionResults": {}
    })
}

/// A passkey to be added.
pub(super) fn new_passkey() -> Value {
    json!({
        "requestId": "c2a9530e6b18d4c7f2a19e5f1d0c3b7a9e48628d04c1b6f2e97a350b8d6e41f7", "name": "Ada's phone",
        "credential": made_credential()
    })
}

/// What a browser answers when it used one.
pub(super) fn shown_credential() -> Value {
    json!({
        "id": "u7mX2cQh5Zk0VbYdN1tRrA", "rawId": "u7mX2cQh5Zk0VbYdN1tRrA", "type": "public-key", "authenticatorAttachment": "platform",
        "response": {
            "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0", "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MdAAAAAA",
            "signature": "MEUCIQDaRj0mKq8V", "userHandle": "AZNcOnweflWcPy9vPwqbEg"
        },
        "clientExtensionResults": {}
    })
}

/// A passkey that was added as the first second factor.
pub(super) fn added_passkey() -> Value {
    json!({ "passkey": passkey(), "recoveryCodes": ["7QM2X-9ZK4T-0B3RD-VVN6A-8HJ5C", "K1Z8P-W4E6S-TTY2G-90QDM-3XHBF"] })
}

/// A passkey that answered what it was asked.
pub(super) fn passkey_answer() -> Value {
    json!({
        "requestId": "c2a9530e6b18d4c7f2a19e5f1d0c3b7a9e48628d04c1b6f2e97a350b8d6e41f7", "credential": shown_credential()
    })
}

/// A mail that was asked for.
pub(super) fn asked() -> Value {
    json!({
        "requestId": "c2a9530e6b18d4c7f2a19e5f1d0c3b7a9e48628d04c1b6f2e97a350b8d6e41f7", "expiresAt": "2026-11-21T08:10:00Z"
    })
}

/// The owner, who has registered.
pub(super) fn registered() -> Value {
    let mut registered = signed_in();
    registered["verification"] = asked();
    registered
}

/// The owner, signed in.
pub(super) fn signed_in() -> Value {
    json!({
        "accessToken": "jJ2INQtFzeIYyvRaqJYP4SM1EF3Wrz7DcPmdk7PKt94", "expiresAt": "2026-12-21T08:00:00Z", "user": user(),
        "organization": organization(), "role": "owner"
    })
}

/// A member's session.
pub(super) fn session() -> Value {
    json!({
        "user": user(), "organization": organization(), "role": "member",
        "permissions": ["members.read", "organization.read", "organizations.create", "tenders.browse"]
    })
}

/// What the member was sent before.
pub(super) fn own_invitation() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b60", "organization": organization(), "role": "member", "invitedBy": "Ada Lovelace",
        "createdAt": "2026-11-21T08:00:00Z"
    })
}

/// An archive that can be fetched.
pub(super) fn export() -> Value {
    let id = "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b70";
    json!({
        "id": id, "organizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13", "status": "ready", "path": format!("/exports/{id}"),
        "size": 48213, "sha256": "5f1d0c3b7a9e48628d04c1b6f2e97a350b8d6e41f7c2a9530e6b18d4c7f2a19e",
        "askedAt": "2026-11-21T08:00:00Z", "expiresAt": "2026-11-28T08:00:00Z"
    })
}

/// An organisation that leaves, at its owner's word.
pub(super) fn leaving() -> Value {
    json!({
        "organization": organization(), "askedBy": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12", "askedAt": "2026-11-21T08:00:00Z",
        "leavesAt": "2026-12-05T08:00:00Z"
    })
}

/// A link by which people join.
pub(super) fn invitation_link() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b62", "label": "Site managers", "domains": [], "role": "member", "maxUses": 20, "uses": 0,
        "createdBy": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12", "createdAt": "2026-11-21T08:00:00Z", "expiresAt": "2026-12-05T08:00:00Z",
        "revokedAt": null
    })
}

/// The same, when it was just made.
pub(super) fn fresh_invitation_link() -> Value {
    let token = link_token()["token"].clone();
    json!({ "path": format!("/join?token={}", token.as_str().unwrap_or_default()), "token": token, "link": invitation_link() })
}

/// What it holds.
pub(super) fn link_token() -> Value {
    json!({ "token": "b8d6e41f7c2a9530e6b18d4c7f2a19e5f1d0c3b7a9e48628d04c1b6f2e97a350" })
}

/// Where it leads.
pub(super) fn link_look() -> Value {
    json!({ "organization": organization() })
}

/// A domain that is not proven yet.
pub(super) fn organization_domain() -> Value {
    json!({
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b66", "domain": "nordbau.example", "recordName": "_14build-challenge.nordbau.example",
        "recordValue": "14build-domain=x4Zt0Wv9k2mQ7bYc1RjL8sHd5nFgPaEu3oTiKyVwXzA", "claimedBy": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12",
        "createdAt": "2026-11-21T08:00:00Z", "provenAt": null, "lookedAt": null, "missingSince": null
    })
}
