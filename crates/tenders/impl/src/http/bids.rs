//! Bids.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{BidId, Ctx, TenderId};
use serde::{Deserialize, Serialize};
use tenders_api::{Bid, BidContent, BidLine, InclusionProof, NewBid, OfferedRate, Receipt, Tenders};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{
    Authed, Decimal4, Decimal4Out, Faults, IDEMPOTENCY_REPLAYED, Id, Idempotent, IfMatch, Json, Listing, MoneyIn, MoneyOut,
    OneOf, Paging, Problem, Reply,
};

use super::examples;

/// A bid as its bidder submits it, or saves it as a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = BidSubmission, example = examples::bid_in)]
pub struct BidIn {
    /// A rate for every payable line; provisional sums may be left out. At least one, save in a draft: that may price any lines, or none.
    #[schema(max_items = 20000)]
    lines: Vec<RateIn>,
    /// The last day on which it can be awarded, in the tender's time zone; not before the day of the deadline.
    valid_until: NaiveDate,
    /// What else the owner is to know; sealed like the rates. May be left out.
    #[schema(max_length = 4000, example = "Start within two weeks")]
    note: Option<String>,
    /// The total as you computed it: compared, never trusted. That of a draft is of the lines priced so far and of all provisional sums.
    total: Option<MoneyIn>,
    /// Save it as a draft instead of submitting it: lines may be without a rate, everything that is given is checked. Sealed like a bid and
    /// read by nobody but its bidder, it has no receipt, and lapses at the deadline unless it is submitted before.
    #[serde(default)]
    #[schema(default = false)]
    draft: bool,
}

/// A rate for a line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewBidRate)]
pub struct RateIn {
    /// The line: `id` of a line of the tender.
    soq_line_id: Uuid,
    /// Per unit of measure, in the currency of the tender, without its code.
    rate: Decimal4,
}

impl BidIn {
    fn into_bid(self) -> Result<NewBid, Problem> {
        let mut faults = Faults::new();
        let total = self.total.and_then(|total| faults.check("/total/amount", total.to_money()));
        if self.lines.is_empty() && !self.draft {
            faults.push("/lines", "TOO_FEW", "must have at least 1 item");
        }
        faults.finish()?;
        let rate = |line: RateIn| OfferedRate { soq_line: line.soq_line_id.into(), rate: line.rate.0 };
        Ok(NewBid { lines: self.lines.into_iter().map(rate).collect(), valid_until: self.valid_until, note: self.note, total })
    }
}

type BidStatus = OneOf<tenders_api::BidStatus>;

/// A bid.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Bid, example = examples::bid)]
pub struct BidOut {
    /// The bid's id.
    pub id: Uuid,
    /// Its tender.
    pub tender_id: Uuid,
    /// The organisation that bids.
    pub bidder_organization_id: Uuid,
    /// Where it stands.
    pub status: BidStatus,
    /// From 1; every replacement counts, and every time that a draft is saved.
    #[schema(minimum = 1)]
    pub revision: u32,
    /// Null only once the key of a tender that ended unopened is erased; so are the other parts of the offer.
    pub total: Option<MoneyOut>,
    /// Its priced lines, in order; none once they are erased.
    pub lines: Vec<BidLineOut>,
    /// The last day on which it can be awarded; null before it is given, and once it is erased.
    pub valid_until: Option<NaiveDate>,
    /// What the bidder wrote; null if nothing, and once it is erased.
    pub note: Option<String>,
    /// Null for what was never submitted: a draft, also once it lapsed.
    pub receipt: Option<ReceiptOut>,
    /// Place by total, then by time of receipt; once opened.
    pub rank: Option<u32>,
    /// When it was opened; null before.
    pub opened_at: Option<DateTime<Utc>>,
    /// Why it is out; null unless it is `disqualified`.
    pub disqualification: Option<DisqualificationOut>,
    /// For the bidder once the tender is closed: that the receipt is a leaf of the tender's `sealRoot`.
    pub proof: Option<ProofOut>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A priced line.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BidLine)]
pub struct BidLineOut {
    /// The line: `id` of a line of the tender.
    pub soq_line_id: Uuid,
    /// Per unit of measure, in the currency of the tender.
    pub rate: Decimal4Out,
    /// round_half_up(quantity × rate).
    pub amount: MoneyOut,
}

/// Proof of what was received when.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BidReceipt)]
pub struct ReceiptOut {
    /// Hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// When it was stored, by the clock that decides deadlines.
    pub received_at: DateTime<Utc>,
    /// For the bidder: the document whose SHA-256 this is, of the bid or of its withdrawal. Null to others, and once it is erased.
    pub document: Option<String>,
}

/// `leaf = sha256(00 ‖ receipt)`, `node = sha256(01 ‖ left ‖ right)`; bit n of `index` tells whether sibling n stands left (1) or right (0).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InclusionProof)]
pub struct ProofOut {
    /// Hex: the tender's `sealRoot`.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub root: String,
    /// The place of the leaf, from 0.
    pub index: usize,
    /// Siblings from the leaf up, hex.
    pub path: Vec<String>,
}

impl From<&InclusionProof> for ProofOut {
    fn from(proof: &InclusionProof) -> Self {
        Self { root: hex::encode(proof.root), index: proof.index, path: proof.path.iter().map(hex::encode).collect() }
    }
}

/// Why a bid was disqualified.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BidDisqualification)]
pub struct DisqualificationOut {
    /// The owner's short word for it; `UNREADABLE` if its sealed offer could not be read.
    #[schema(pattern = "^[A-Z][A-Z0-9_]{2,63}$")]
    pub reason_code: String,
    /// In words. The bidder reads it.
    pub reason: String,
}

impl BidOut {
    /// Without what it offers: nothing in it is sealed.
    fn envelope(bid: &Bid) -> Self {
        let why = bid.disqualification.as_ref();
        let receipt = |receipt: Receipt| ReceiptOut {
            sha256: hex::encode(receipt.sha256),
            received_at: receipt.received_at,
            document: None,
        };
        Self {
            id: bid.id.into(),
            tender_id: bid.tender.into(),
            bidder_organization_id: bid.bidder.into(),
            status: bid.status.into(),
            revision: bid.revision,
            total: None,
            lines: Vec::new(),
            valid_until: None,
            note: None,
            receipt: bid.receipt.map(receipt),
            rank: bid.rank,
            opened_at: bid.opened_at,
            disqualification: why.map(|why| DisqualificationOut { reason_code: why.code.clone(), reason: why.reason.clone() }),
            proof: bid.proof.as_ref().map(Into::into),
            created_at: bid.created_at,
            updated_at: bid.updated_at,
        }
    }

    fn filled(self, content: Option<&BidContent>, document: Option<String>) -> Self {
        let line =
            |line: &BidLine| BidLineOut { soq_line_id: line.soq_line.into(), rate: line.rate.into(), amount: line.amount.into() };
        Self {
            total: content.map(|content| content.total.into()),
            lines: content.map(|content| content.lines.iter().map(line).collect()).unwrap_or_default(),
            valid_until: content.map(|content| content.valid_until),
            note: content.and_then(|content| content.note.clone()),
            receipt: self.receipt.map(|receipt| ReceiptOut { document, ..receipt }),
            ..self
        }
    }
}

impl From<&Bid> for BidOut {
    fn from(bid: &Bid) -> Self {
        Self::envelope(bid).filled(bid.content.as_ref(), bid.document.clone())
    }
}

/// The entity tag: of the envelope, and of which of its parts are shown, since a digest of the offer itself could be tried out. An offer never
/// changes within a revision; that it is erased, or read by the other side, shows.
pub fn bid_tag(bid: &Bid) -> String {
    web::etag(&(BidOut::envelope(bid), bid.content.is_some(), bid.document.is_some()))
}

fn tagged(reply: Reply, bid: &Bid) -> Reply {
    reply.header("ETag", bid_tag(bid))
}

pub fn shown(bid: &Bid) -> Reply {
    tagged(Reply::ok(&BidOut::from(bid)), bid)
}

/// Bids of a tender.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BidList)]
pub struct BidListOut {
    /// Newest first; `rank` tells their order.
    pub data: Vec<BidOut>,
    /// True until the bids are opened: until then the owner sees none, nor how many there are.
    pub sealed: bool,
    /// Give this as `?cursor=` to get the next page; null on the last.
    pub next_cursor: Option<String>,
    /// The clock that decides deadlines.
    pub server_time: DateTime<Utc>,
}

/// Submit a sealed bid, or save a draft of one.
///
/// An organisation has one live bid for a tender, drafts included: after that, `PUT /api/bids/{id}`. With `"draft": true` the answer has
/// status `draft` and no receipt; the tender's owner learns nothing of it, and it lapses at the deadline unless it is submitted.
///
/// What is stored for the `Idempotency-Key` leaves out what the bid offers: that is sealed, and unsealed again for a repetition.
#[utoipa::path(responses(
    (status = 201, description = "Sealed and received, or saved as a draft", body = BidOut),
    (status = 409, description = "OWN_TENDER: an organisation does not bid for its own tender · STATE_CONFLICT: it does not take bids · BID_EXISTS: the organisation has a bid already, perhaps a draft; replace it, it is `bidId`", body = web::ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "TENDER_CLOSED: the deadline has passed; with `deadline` and `serverTime`, or every fault of the bid: such as LINE_NOT_PRICED, NOT_ALLOWED, UNKNOWN_LINE, PROVISIONAL_SUM_CHANGED, TOTAL_DIFFERS", body = web::ProblemBody, content_type = "application/problem+json")
))]
#[post("/api/tenders/{id}/bids")]
pub async fn submit(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
    body: Json<BidIn>,
) -> Result<HttpResponse, Problem> {
    let (draft, new) = (body.0.draft, body.0.into_bid()?);
    let mut made = None;
    let verb = async |ctx: Ctx| {
        let bid = if draft { service.save_draft(&ctx, id, new).await? } else { service.submit(&ctx, id, new).await? };
        made = Some(bid.clone());
        Ok::<_, tenders_api::Error>(bid)
    };
    let render = |bid: &Bid| tagged(Reply::created(location(bid.id), &BidOut::envelope(bid)), bid);
    let response = once.run(ctx.clone(), verb, render).await?;
    match made {
        Some(bid) => Ok(tagged(Reply::created(location(bid.id), &BidOut::from(&bid)), &bid).response()),
        None => replayed(&ctx, &service, response).await,
    }
}

fn location(bid: BidId) -> String {
    format!("/api/bids/{bid}")
}

/// What identifies the stored envelope's offer.
#[derive(Deserialize)]
struct Stored {
    id: BidId,
    revision: u32,
}

/// The stored envelope with the offer of its revision, unsealed for its bidder.
async fn replayed(ctx: &Ctx, service: &Data<dyn Tenders>, response: HttpResponse) -> Result<HttpResponse, Problem> {
    let internal = |_| Problem::internal();
    let (head, body) = response.into_parts();
    let body = actix_web::body::MessageBody::try_into_bytes(body).map_err(internal)?;
    let stored: Stored = serde_json::from_slice(&body).map_err(|_| Problem::internal())?;
    let mut full: serde_json::Value = serde_json::from_slice(&body).map_err(|_| Problem::internal())?;
    let (content, document) = service.own_revision(ctx, stored.id, stored.revision).await?;
    let offer = Offer::from((&content, document));
    if let (Some(members), Ok(serde_json::Value::Object(offer))) = (full.as_object_mut(), serde_json::to_value(&offer)) {
        for (name, value) in offer {
            match (members.get_mut(&name), value) {
                (Some(serde_json::Value::Object(old)), serde_json::Value::Object(new)) => old.extend(new),
                (_, value) => drop(members.insert(name, value)),
            }
        }
    }
    let mut reply = Reply::created(location(stored.id), &full);
    if let Some(tag) = head.headers().get("ETag").and_then(|tag| tag.to_str().ok()) {
        reply = reply.header("ETag", tag);
    }
    Ok(reply.header(IDEMPOTENCY_REPLAYED, "true").response())
}

/// The members of a bid that are sealed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    total: MoneyOut,
    lines: Vec<BidLineOut>,
    valid_until: NaiveDate,
    note: Option<String>,
    /// Left out of a draft, so that the null that is stored stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<OfferReceipt>,
}

#[derive(Serialize)]
struct OfferReceipt {
    document: String,
}

impl From<(&BidContent, Option<String>)> for Offer {
    fn from((content, document): (&BidContent, Option<String>)) -> Self {
        let line =
            |line: &BidLine| BidLineOut { soq_line_id: line.soq_line.into(), rate: line.rate.into(), amount: line.amount.into() };
        Self {
            total: content.total.into(),
            lines: content.lines.iter().map(line).collect(),
            valid_until: content.valid_until,
            note: content.note.clone(),
            receipt: document.map(|document| OfferReceipt { document }),
        }
    }
}

/// List the bids of a tender.
///
/// A bidder sees its own, the owner sees them all once opened.
#[utoipa::path(params(Paging), responses((status = 200, description = "As far as the caller may see them", body = BidListOut)))]
#[get("/api/tenders/{id}/bids")]
pub async fn list(
    Authed(ctx): Authed,
    Id(id): Id<TenderId>,
    listing: Listing,
    service: Data<dyn Tenders>,
) -> Result<HttpResponse, Problem> {
    let bids = service.list_bids(&ctx, id, listing.page()).await?;
    let dto = BidListOut {
        next_cursor: listing.cursor(bids.page.next),
        data: bids.page.items.iter().map(Into::into).collect(),
        sealed: bids.sealed,
        server_time: bids.server_time,
    };
    Ok(Reply::ok(&dto).response())
}

/// Read a bid.
///
/// For its bidder at any time, for the owner once it is opened.
#[utoipa::path(responses((status = 200, description = "The bid", body = BidOut)))]
#[get("/api/bids/{id}")]
pub async fn read(
    Authed(ctx): Authed,
    Id(id): Id<BidId>,
    request: HttpRequest,
    service: Data<dyn Tenders>,
) -> Result<HttpResponse, Problem> {
    Ok(web::conditional(&request, shown(&service.get_bid(&ctx, id).await?)))
}

/// Replace a bid, submit a draft, or submit a withdrawn bid again.
///
/// The next revision, until the deadline; the same offer again changes nothing, and keeps its place in time. With `"draft": true` a draft is saved again and stays a draft. A bid that was submitted does not become one: withdrawing it is the only
/// way back, after which a new draft can be started.
#[utoipa::path(responses(
    (status = 200, description = "Sealed and received, or saved as a draft", body = BidOut),
    (status = 409, description = "STATE_CONFLICT: `draft` is true and the bid is not a draft. BID_EXISTS: this one was withdrawn, and there is another one since; it is `bidId`", body = web::ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "TENDER_CLOSED: the deadline has passed; with `deadline` and `serverTime`, or every fault of the bid: such as LINE_NOT_PRICED, NOT_ALLOWED, UNKNOWN_LINE, PROVISIONAL_SUM_CHANGED, TOTAL_DIFFERS", body = web::ProblemBody, content_type = "application/problem+json")
))]
#[put("/api/bids/{id}")]
pub async fn replace(
    Authed(ctx): Authed,
    Id(id): Id<BidId>,
    if_match: IfMatch,
    service: Data<dyn Tenders>,
    body: Json<BidIn>,
) -> Result<HttpResponse, Problem> {
    let (draft, new) = (body.0.draft, body.0.into_bid()?);
    let expected = if_match.seen(service.changeable_bid(&ctx, id), bid_tag).await?.map(|seen| seen.revision);
    let bid = if draft {
        service.replace_draft(&ctx, id, expected, new).await?
    } else {
        service.replace_bid(&ctx, id, expected, new).await?
    };
    Ok(shown(&bid).response())
}

/// Why an award is refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AwardRefusal, example = json!({"reason": "We have no capacity any more"}))]
pub struct RefusalIn {
    /// The owner reads it.
    #[schema(min_length = 1, max_length = 2000, example = "We have no capacity any more")]
    reason: String,
}

/// Refuse the award of one's bid.
///
/// Before the contract is in force. The bid is forfeited, the tender can be awarded to another one.
#[utoipa::path(responses(
    (status = 200, description = "It is forfeited", body = BidOut),
    (status = 409, description = "`STATE_CONFLICT`: it is not awarded, or the contract is in force")
))]
#[post("/api/bids/{id}/refuse-award")]
pub async fn refuse_award(
    Authed(ctx): Authed,
    Id(id): Id<BidId>,
    once: Idempotent,
    service: Data<dyn Tenders>,
    body: Json<RefusalIn>,
) -> Result<HttpResponse, Problem> {
    let reason = body.0.reason;
    once.run(ctx, async |ctx| service.refuse_award(&ctx, id, reason).await, shown).await
}

/// Withdraw a bid.
///
/// Until the deadline. Answers it with the receipt of the withdrawal. A draft is not withdrawn: it lapses by itself.
#[utoipa::path(responses(
    (status = 200, description = "Withdrawn", body = BidOut),
    (status = 409, description = "STATE_CONFLICT: it is a draft, or withdrawn already", body = web::ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "TENDER_CLOSED: the deadline has passed; with `deadline` and `serverTime`", body = web::ProblemBody, content_type = "application/problem+json")
))]
#[delete("/api/bids/{id}")]
pub async fn withdraw(
    Authed(ctx): Authed,
    Id(id): Id<BidId>,
    if_match: IfMatch,
    service: Data<dyn Tenders>,
) -> Result<HttpResponse, Problem> {
    let expected = if_match.seen(service.changeable_bid(&ctx, id), bid_tag).await?.map(|seen| seen.revision);
    Ok(shown(&service.withdraw(&ctx, id, expected).await?).response())
}
