//! `/api/api-keys`: with what programs sign in for the organisation.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use auth_api::{ApiKey, ApiKeyChange, ApiKeys, FreshKey, Leavers, NewApiKey, Revoked, Rotation, perm};
use chrono::{DateTime, Utc};
use kernel::ApiKeyId;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authed, CurrentSession, Id, Json, List, Listing, OneOf, Paging, Patch, Problem, Reply, Routes};

use super::language::language_of;

/// Adds the endpoints of keys.
pub(super) fn routes(r: &mut Routes) {
    r.tag("API keys", "With what programs sign in for the organisation: scoped, and never above who made them.");
    r.resource("apiKeys");
    r.add(perm::KEYS_READ, || list);
    r.add(perm::KEYS_MANAGE, || create).without_key().stepping_up();
    r.add(perm::KEYS_READ, || read);
    r.add(perm::KEYS_MANAGE, || change).unconditional().stepping_up();
    r.add(perm::KEYS_MANAGE, || revoke).unconditional();
    r.add(perm::KEYS_MANAGE, || rotate).without_key().stepping_up();
    r.resource("apiKeyPolicy");
    r.add(perm::KEYS_READ, || settings);
    r.add(perm::KEYS_MANAGE, || set_settings).unconditional();
}

/// The name of a permission, such as `projects.read`.
#[derive(ToSchema)]
#[schema(max_length = 60)]
#[allow(dead_code)]
struct ScopeName(String);

/// A network in CIDR notation, or a single address.
#[derive(ToSchema)]
#[schema(max_length = 49)]
#[allow(dead_code)]
struct NetworkText(String);

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewApiKey, example = json!({"name": "Bookkeeping", "scopes": ["projects.read", "statement.read"], "allowedNetworks": []}))]
struct NewIn {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100, examples("Bookkeeping"))]
    name: String,
    /// The permissions that it is given. The caller must hold each in the organisation, and none may want a natural person.
    #[schema(min_items = 1, max_items = 100, value_type = Vec<ScopeName>)]
    scopes: Vec<String>,
    /// From where it may be used; none, or left out: from everywhere.
    #[schema(max_items = 50, value_type = Option<Vec<NetworkText>>)]
    allowed_networks: Option<Vec<String>>,
    /// When it ends; left out or null: in a year.
    expires_at: Option<DateTime<Utc>>,
}

/// What of a key can be changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ApiKeyChange, example = json!({"name": "Bookkeeping in Lisbon", "allowedNetworks": []}))]
struct ChangeIn {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100, examples("Bookkeeping"))]
    name: String,
    /// From where it may be used; none: from everywhere.
    #[schema(max_items = 50, value_type = Vec<NetworkText>)]
    allowed_networks: Vec<String>,
}

/// How a key is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ApiKeyRotation, example = json!({"overlapHours": 48}))]
struct RotationIn {
    /// For how many hours the old key works beside the new one; 0: it ends at once.
    #[schema(minimum = 0, maximum = 168)]
    overlap_hours: u32,
    /// When the new one ends; left out or null: in a year.
    expires_at: Option<DateTime<Utc>>,
}

type OfLeavers = OneOf<Leavers>;
type RevokedFor = OneOf<Revoked>;

/// What the organisation decides about its keys.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ApiKeySettings, example = json!({"apiKeysOfLeavers": "keep"}))]
struct Settings {
    /// What becomes of the keys of somebody who leaves.
    api_keys_of_leavers: OfLeavers,
}

/// A key. Itself it is told once, when it is made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b90", "name": "Bookkeeping", "prefix": "b14_live_7Qm", "scopes": ["projects.read", "statement.read"],
    "allowedNetworks": [], "createdBy": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12", "createdAt": "2026-11-21T08:00:00Z",
    "expiresAt": "2027-11-21T08:00:00Z", "lastUsedAt": null, "replacedBy": null, "overlapEndsAt": null, "revokedAt": null, "revokedFor": null
}))]
struct KeyOut {
    /// The key's id, which the trail names.
    id: Uuid,
    /// What it is for.
    name: String,
    /// Its first characters, by which it is told from others.
    prefix: String,
    /// The permissions that it was given. It may what these and the present rights of who made it have in common.
    scopes: Vec<String>,
    /// From where it may be used; none: from everywhere.
    allowed_networks: Vec<String>,
    /// Who made it.
    created_by: Uuid,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it ends by itself.
    expires_at: DateTime<Utc>,
    /// When it was last used, to a minute; null: never.
    last_used_at: Option<DateTime<Utc>>,
    /// The key that took its place; null if none did.
    replaced_by: Option<Uuid>,
    /// Until when it works beside that one.
    overlap_ends_at: Option<DateTime<Utc>>,
    /// When it was revoked; null if it was not.
    revoked_at: Option<DateTime<Utc>>,
    /// Why.
    revoked_for: Option<RevokedFor>,
}

impl From<ApiKey> for KeyOut {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.0,
            name: key.name,
            prefix: key.shown,
            scopes: key.scopes,
            allowed_networks: key.networks.iter().map(ToString::to_string).collect(),
            created_by: key.created_by.0,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            replaced_by: key.replaced.map(|(by, _)| by.0),
            overlap_ends_at: key.replaced.map(|(_, end)| end),
            revoked_at: key.revoked.map(|(at, _)| at),
            revoked_for: key.revoked.map(|(_, why)| why.into()),
        }
    }
}

/// A key that was just made: the only answer that has the key itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FreshApiKey, example = json!({
    "secret": "b14_live_7Qm…", "apiKey": {
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b90", "name": "Bookkeeping", "prefix": "b14_live_7Qm", "scopes": ["projects.read", "statement.read"],
        "allowedNetworks": [], "createdBy": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12", "createdAt": "2026-11-21T08:00:00Z",
        "expiresAt": "2027-11-21T08:00:00Z", "lastUsedAt": null, "replacedBy": null, "overlapEndsAt": null, "revokedAt": null, "revokedFor": null
    }
}))]
struct FreshOut {
    /// The key, for `Authorization: Bearer`. Nobody can tell it again.
    secret: String,
    /// What is kept of it.
    api_key: KeyOut,
}

fn fresh(FreshKey { secret, key }: FreshKey) -> HttpResponse {
    let location = format!("/api/api-keys/{}", key.id);
    Reply::created(location, &FreshOut { secret: secret.expose_secret().to_owned(), api_key: key.into() }).response()
}

/// List the organisation's API keys.
///
/// Newest first, those that ended too. None shows the key itself.
#[utoipa::path(params(Paging), responses((status = 200, description = "A page of keys", body = List<KeyOut>)))]
#[get("/api/api-keys")]
async fn list(Authed(ctx): Authed, listing: Listing, keys: Data<dyn ApiKeys>) -> Result<HttpResponse, Problem> {
    let page = keys.list(&ctx, listing.page()).await?;
    Ok(listing.reply(page, KeyOut::from))
}

/// Create an API key.
///
/// The answer tells it, once: only its hash is kept, so the answer cannot be repeated either. Each scope must be a permission of the caller (403
/// with the missing one). The key may what its scopes and the caller's rights of that moment have in common: who is given less takes it from the
/// key, too.
#[utoipa::path(responses(
    (status = 201, description = "The key", body = FreshOut),
    (status = 409, description = "TOO_MANY_KEYS: the organisation has as many as may work at a time"),
    (status = 422, description = "Every fault: such as NOT_ONE_OF or PERSON_REQUIRED at /scopes/0, OUT_OF_RANGE at /expiresAt"),
))]
#[post("/api/api-keys")]
async fn create(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    request: HttpRequest,
    keys: Data<dyn ApiKeys>,
    body: Json<NewIn>,
) -> Result<HttpResponse, Problem> {
    let NewIn { name, scopes, allowed_networks, expires_at } = body.0;
    let new = NewApiKey { name, scopes, networks: allowed_networks.unwrap_or_default(), expires_at };
    Ok(fresh(keys.create(&ctx, session.id, new, language_of(&request)).await?))
}

/// Read an API key.
///
/// All but the key itself.
#[utoipa::path(responses((status = 200, description = "The key", body = KeyOut)))]
#[get("/api/api-keys/{id}")]
async fn read(Authed(ctx): Authed, Id(id): Id<ApiKeyId>, keys: Data<dyn ApiKeys>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&KeyOut::from(keys.get(&ctx, id).await?)).response())
}

/// Change an API key.
///
/// Its name and from where it may be used, at once on every replica. What it may do stays: another key is made for that.
#[utoipa::path(request_body = ChangeIn, responses(
    (status = 200, description = "The key", body = KeyOut),
    (status = 409, description = "STATE_CONFLICT: it is revoked"),
))]
#[patch("/api/api-keys/{id}")]
async fn change(
    Authed(ctx): Authed,
    Id(id): Id<ApiKeyId>,
    request: HttpRequest,
    keys: Data<dyn ApiKeys>,
    patch: Patch<ChangeIn>,
) -> Result<HttpResponse, Problem> {
    let KeyOut { name, allowed_networks, .. } = keys.changeable(&ctx, id).await?.into();
    let ChangeIn { name, allowed_networks } = patch.apply(&ChangeIn { name, allowed_networks })?;
    let change = ApiKeyChange { name, networks: allowed_networks };
    let changed = keys.change(&ctx, id, change, language_of(&request)).await?;
    Ok(Reply::ok(&KeyOut::from(changed)).response())
}

/// Revoke an API key.
///
/// It is dead at once, on every replica, and stays so.
#[utoipa::path(responses((status = 204, description = "Revoked")))]
#[delete("/api/api-keys/{id}")]
async fn revoke(
    Authed(ctx): Authed,
    Id(id): Id<ApiKeyId>,
    request: HttpRequest,
    keys: Data<dyn ApiKeys>,
) -> Result<HttpResponse, Problem> {
    keys.revoke(&ctx, id, language_of(&request)).await?;
    Ok(Reply::no_content().response())
}

/// Replace an API key.
///
/// Another one of the same name, scopes and networks, which is the caller's; the old one works beside it for the overlap, and then no more.
#[utoipa::path(responses(
    (status = 201, description = "The new key", body = FreshOut),
    (status = 409, description = "STATE_CONFLICT: it is revoked, replaced or expired · TOO_MANY_KEYS: the organisation has as many as may work at a time"),
    (status = 422, description = "Every fault: such as OUT_OF_RANGE at /overlapHours"),
))]
#[post("/api/api-keys/{id}/rotate")]
async fn rotate(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    Id(id): Id<ApiKeyId>,
    request: HttpRequest,
    keys: Data<dyn ApiKeys>,
    body: Json<RotationIn>,
) -> Result<HttpResponse, Problem> {
    let RotationIn { overlap_hours, expires_at } = body.0;
    let how = Rotation { overlap_hours, expires_at };
    Ok(fresh(keys.rotate(&ctx, session.id, id, how, language_of(&request)).await?))
}

/// Read what the organisation decided about its API keys.
///
/// It is `revoke` unless it decided otherwise.
#[utoipa::path(responses((status = 200, description = "What it decided", body = Settings)))]
#[get("/api/organization/api-key-settings")]
async fn settings(Authed(ctx): Authed, keys: Data<dyn ApiKeys>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&Settings { api_keys_of_leavers: keys.leavers(&ctx).await?.into() }).response())
}

/// Decide about the organisation's API keys.
///
/// `revoke` ends the keys of those who have left already, too. A key that is kept has no more than an administrator's rights, whoever made it.
#[utoipa::path(responses((status = 200, description = "What it decided", body = Settings)))]
#[put("/api/organization/api-key-settings")]
async fn set_settings(Authed(ctx): Authed, keys: Data<dyn ApiKeys>, body: Json<Settings>) -> Result<HttpResponse, Problem> {
    keys.set_leavers(&ctx, body.0.api_keys_of_leavers.0).await?;
    Ok(Reply::ok(&body.0).response())
}
