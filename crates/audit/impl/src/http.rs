//! `GET /api/audit`, its verification, its signed head and the keys.

mod recorded;

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use audit_api::{Audit, Entry, Filter, Place, Proof, PublicKey, SignedHead, Verification, perm};
use chrono::{DateTime, Utc};
use kernel::{ApiKeyId, FieldFault, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{Authed, Guard, List, Listing, Paging, Problem, Query, Reply, Routes};

use recorded::Recorded;

/// Adds this crate's endpoints.
pub fn routes(r: &mut Routes) {
    r.tag("Audit", "Who did what: an append-only trail that anybody entitled can verify.");
    r.resource("auditEntries").add(perm::READ, || list);
    r.resource("auditVerification").add(perm::READ, || verify);
    r.resource("auditHead").add(perm::READ, || head);
    r.resource("auditKeys").add(Guard::Public, || keys);
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ListQuery {
    /// Only entries about this kind of thing, such as `tender`.
    entity_type: Option<String>,
    /// Only entries about this thing.
    entity_id: Option<Uuid>,
    /// Only entries of this person.
    actor_id: Option<Uuid>,
    /// Only this verb, such as `tenders.award`.
    action: Option<String>,
}

/// An entry of the trail.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b80", "at": "2026-11-21T09:20:00Z", "actorId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12", "apiKeyId": null,
    "action": "soq.freeze", "denied": false, "entityType": "soq", "entityId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b20",
    "requestId": "0199d0c4f3a27c5e8a6f0d1b2c3d4e5f", "before": {"status": "draft"}, "after": {"status": "frozen"}, "sequence": 7,
    "hash": "486ec688729424b8ec7942966bf70c0794e4a68caece67e05f8ff07154ce6b3c",
    "previousHash": "41d42ca60e48d6e6ef403412cf3fc36d731a2207a11dc4d3cd33370f87ed0cec"
}))]
struct EntryOut {
    /// The entry's id.
    id: Uuid,
    /// When it was recorded.
    at: DateTime<Utc>,
    /// Who acted; null for the platform itself.
    actor_id: Option<Uuid>,
    /// The API key by which a program acted for them; null where they did themself.
    api_key_id: Option<Uuid>,
    /// The verb.
    #[schema(examples("projects.update"))]
    action: String,
    /// Whether it was refused.
    denied: bool,
    /// The kind of thing that it is about.
    #[schema(examples("project"))]
    entity_type: String,
    /// The thing that it is about.
    entity_id: Uuid,
    /// The `X-Request-Id` of the request, or of the job, that did it.
    request_id: String,
    /// The state before; null if the thing was made.
    before: Option<Recorded>,
    /// The state after; null if the thing is gone.
    after: Option<Recorded>,
    /// Place in the organisation's chain, from 1.
    #[schema(minimum = 1)]
    sequence: i64,
    /// SHA-256 over this entry and the hash before, hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
    /// The hash before, hex; zeros for the first.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    previous_hash: String,
}

impl From<Entry> for EntryOut {
    fn from(e: Entry) -> Self {
        Self {
            id: e.id.0,
            at: e.at,
            actor_id: e.actor_id.map(|UserId(id)| id),
            api_key_id: e.api_key.map(|ApiKeyId(id)| id),
            action: e.action,
            denied: e.denied,
            entity_type: e.entity_type,
            entity_id: e.entity_id,
            request_id: e.request_id,
            before: e.before.map(Recorded),
            after: e.after.map(Recorded),
            sequence: e.sequence,
            hash: hex(&e.hash),
            previous_hash: hex(&e.previous_hash),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct VerifyQuery {
    /// The most entries to look at: 1 to 10000, which is what is done unless told otherwise.
    #[param(minimum = 1, maximum = 10000, default = 10000)]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Start behind this entry instead, such as the `sequence` of a head that you kept; together with `afterHash`.
    #[param(minimum = 1)]
    after_sequence: Option<i64>,
    /// The hash that it must have, hex: the `hash` of the head that you kept.
    #[param(pattern = "^[0-9a-f]{64}$")]
    after_hash: Option<String>,
}

impl VerifyQuery {
    fn from(&self) -> Result<(Place, u32), Problem> {
        let mut faults = Vec::new();
        let most = self.limit.unwrap_or(MOST);
        if !(1..=MOST).contains(&most) {
            faults.push(FieldFault::new("?limit", "OUT_OF_RANGE", format!("must be 1 to {MOST}")));
        }
        let place = match (&self.cursor, self.after_sequence, &self.after_hash) {
            (None, None, None) => Some(Place::BEGINNING),
            (Some(cursor), None, None) => place_of(cursor).or_else(|| {
                faults.push(FieldFault::new(
                    "?cursor",
                    "INVALID_FORMAT",
                    "must be the `nextCursor` of the page before, unchanged",
                ));
                None
            }),
            (None, Some(after), Some(hash)) if after >= 1 => {
                bytes_of(hash).map(|hash| Place::Links { after, hash }).or_else(|| {
                    faults.push(FieldFault::new(
                        "?afterHash",
                        "INVALID_FORMAT",
                        "must be 64 hexadecimal digits: the hash of that entry",
                    ));
                    None
                })
            }
            _ => {
                let detail = "give afterSequence (1 or more) and afterHash together, and no cursor beside them";
                faults.push(FieldFault::new("?afterSequence", "INVALID_FORMAT", detail));
                None
            }
        };
        place.filter(|_| faults.is_empty()).map(|place| (place, most)).ok_or_else(|| Problem::invalid(faults))
    }
}

/// The most that one call looks at.
const MOST: u32 = 10_000;

/// What the verification found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditVerification, example = json!({
    "valid": true, "entries": 7, "headHash": "486ec688729424b8ec7942966bf70c0794e4a68caece67e05f8ff07154ce6b3c", "brokenAt": null,
    "looked": 7, "nextCursor": null
}))]
struct VerificationOut {
    /// Whether every entry that was looked at is there, unchanged and in its place; on the last page also whether the chain ends where its
    /// head says, with nothing beside it. An organisation's chain is never empty: to be founded is its first entry.
    valid: bool,
    /// How many entries the chain has by its head.
    #[schema(minimum = 0)]
    entries: i64,
    /// The newest hash, hex; zeros if there is none.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    head_hash: String,
    /// The first place at which the chain is broken; null if what was looked at is sound.
    #[schema(minimum = 0)]
    broken_at: Option<i64>,
    /// How many entries this page looked at: first the links of the chain, then once more every entry, for such as lie beside it.
    #[schema(minimum = 0)]
    looked: i64,
    /// For the next page; null on the last one, and where the chain is broken.
    next_cursor: Option<String>,
}

impl From<Verification> for VerificationOut {
    fn from(v: Verification) -> Self {
        Self {
            valid: v.valid,
            entries: v.entries,
            head_hash: hex(&v.head_hash),
            broken_at: v.broken_at,
            looked: v.looked,
            next_cursor: v.next.map(|place| match place {
                Place::Links { after, hash } => format!("l.{after}.{}", hex(&hash)),
                Place::Entries { after } => format!("e.{}", after.simple()),
            }),
        }
    }
}

fn place_of(cursor: &str) -> Option<Place> {
    let mut parts = cursor.split('.');
    let place = match (parts.next()?, parts.next()?) {
        ("l", after) => Place::Links { after: after.parse().ok().filter(|after| *after >= 0)?, hash: bytes_of(parts.next()?)? },
        ("e", after) => Place::Entries { after: after.parse().ok()? },
        _ => return None,
    };
    parts.next().is_none().then_some(place)
}

fn bytes_of(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

/// The head of the organisation's chain, signed by the platform: keep it, and whatever happens to the database later, it proves what stood
/// there. Ed25519 (RFC 8032) over the bytes of `statement`:
/// `14build/audit-head/1 <organisation> <sequence> <hash, hex> <signedAt>`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditHead, example = json!({
    "organizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13", "sequence": 7,
    "hash": "486ec688729424b8ec7942966bf70c0794e4a68caece67e05f8ff07154ce6b3c", "signedAt": "2026-11-21T09:20:01Z",
    "statement": "14build/audit-head/1 01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13 7 486ec688729424b8ec7942966bf70c0794e4a68caece67e05f8ff07154ce6b3c 2026-11-21T09:20:01Z",
    "keyId": "2f948a6b612092da",
    "signature": "dd55285ef833c3077ba9e7a9b200c86481f09b7bb72c4eab73dd2aae1e27d239f157c9f11337ad96599bd696cb5100c6b50b0657ddf7136b25b089c9ead4df03"
}))]
struct HeadOut {
    /// The organisation whose trail it is.
    organization_id: Uuid,
    /// How many entries the chain has.
    #[schema(minimum = 0)]
    sequence: i64,
    /// Its newest hash, hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
    /// When it was signed.
    signed_at: DateTime<Utc>,
    /// The text that is signed.
    statement: String,
    /// Which of the keys at `GET /api/audit/keys`.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    key_id: String,
    /// Hex.
    #[schema(pattern = "^[0-9a-f]{128}$")]
    signature: String,
}

impl From<SignedHead> for HeadOut {
    fn from(signed: SignedHead) -> Self {
        Self {
            organization_id: signed.org.0,
            sequence: signed.sequence,
            hash: hex(&signed.hash),
            signed_at: signed.signed_at,
            statement: signed.statement,
            key_id: signed.key_id,
            signature: hex(&signed.signature),
        }
    }
}

/// The keys with which heads are or were signed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditKeys)]
struct KeysOut {
    /// Those that sign now or did before.
    data: Vec<KeyOut>,
}

/// A public key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditKey)]
struct KeyOut {
    /// The first 16 hex digits of the SHA-256 of the key.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    id: String,
    /// How it signs.
    #[schema(examples("Ed25519"))]
    algorithm: &'static str,
    /// Its 32 bytes, hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    public_key: String,
    /// Whether it signs now; else it did before.
    current: bool,
}

impl From<PublicKey> for KeyOut {
    fn from(key: PublicKey) -> Self {
        Self { id: key.id, algorithm: "Ed25519", public_key: hex(&key.bytes), current: key.current }
    }
}

fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

/// List the entries of the organisation's trail.
///
/// Newest first.
#[utoipa::path(params(ListQuery, Paging), responses((status = 200, description = "A page of entries", body = List<EntryOut>)))]
#[get("/api/audit")]
async fn list(Authed(ctx): Authed, audit: Data<dyn Audit>, listing: Listing<ListQuery>) -> Result<HttpResponse, Problem> {
    let query = &listing.filter;
    let filter = Filter {
        entity_type: query.entity_type.clone(),
        entity_id: query.entity_id,
        actor_id: query.actor_id.map(UserId),
        action: query.action.clone(),
    };
    let entries = audit.list(&ctx, &filter, listing.page()).await?;
    Ok(listing.reply(entries, EntryOut::from))
}

/// Verify the organisation's chain.
///
/// Recomputed page by page: until `nextCursor` is null, or from a head that you kept (`afterSequence`, `afterHash`),
/// which the chain must still hold.
#[utoipa::path(params(VerifyQuery), responses((status = 200, description = "What was found", body = VerificationOut)))]
#[get("/api/audit/verify")]
async fn verify(Authed(ctx): Authed, proof: Data<dyn Proof>, Query(query): Query<VerifyQuery>) -> Result<HttpResponse, Problem> {
    let (from, most) = query.from()?;
    Ok(Reply::ok(&VerificationOut::from(proof.verify(&ctx, from, most).await?)).response())
}

/// Read the signed head of the organisation's chain.
///
/// As it is now.
#[utoipa::path(responses((status = 200, description = "The head", body = HeadOut)))]
#[get("/api/audit/head")]
async fn head(Authed(ctx): Authed, proof: Data<dyn Proof>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&HeadOut::from(proof.head(&ctx).await?)).response())
}

/// Read the public keys with which heads are or were signed.
///
/// Compare them with what the platform publishes elsewhere.
#[utoipa::path(responses((status = 200, description = "The keys", body = KeysOut)))]
#[get("/api/audit/keys")]
async fn keys(proof: Data<dyn Proof>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&KeysOut { data: proof.keys().into_iter().map(KeyOut::from).collect() }).response())
}
