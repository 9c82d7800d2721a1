//! `/api/contracts`.

use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, Utc};
use escrow_api::{Contract, ContractId, Contracts, Sign, Statement, Terminate, Terminating};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authed, Id, Idempotent, Json, List, Listing, MoneyOut, OneOf, OptionalBody, Paging, Problem, Reply};

use super::document::DocumentOut;
use super::dto::ContractOut;
use super::examples;

type LedgerSource = OneOf<escrow_api::LedgerSource>;
type TransactionKind = OneOf<escrow_api::TransactionKind>;

/// A signature to be given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SignContract, example = json!({"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}))]
pub(super) struct SignIn {
    /// `documentSha256` of the contract that was read.
    #[schema(pattern = "^[0-9a-fA-F]{64}$", min_length = 64, max_length = 64)]
    sha256: String,
}

/// Why a contract should end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = TerminateContract, example = json!({"reason": "The site cannot be built on"}))]
pub(super) struct TerminateIn {
    /// The other party reads it. Needed to propose; who agrees need not say.
    #[schema(min_length = 1, max_length = 2000)]
    reason: Option<String>,
}

/// An entry: debit positive, credit negative.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LedgerEntry)]
pub(super) struct EntryOut {
    /// The account's code.
    #[schema(example = 2000)]
    account: u16,
    /// The account's name.
    #[schema(example = "held")]
    name: String,
    /// The milestone or release it is about; null if it is about neither.
    subject: Option<Uuid>,
    /// Above zero a debit, below zero a credit; all entries of a transaction add up to zero.
    amount: MoneyOut,
}

/// A ledger transaction.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LedgerTransaction)]
pub(super) struct TransactionOut {
    /// The transaction's id.
    id: Uuid,
    /// What happened to the money.
    kind: TransactionKind,
    /// Whose object it comes from.
    source: LedgerSource,
    /// That object, such as `ch_…`, `txn_…`, `tr_…`.
    source_id: String,
    /// The transaction it takes back; null unless it takes one back.
    reverses: Option<Uuid>,
    /// When it was posted.
    at: DateTime<Utc>,
    /// They sum to zero.
    entries: Vec<EntryOut>,
}

/// A balance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LedgerBalance)]
pub(super) struct BalanceOut {
    /// The account's code.
    account: u16,
    /// The account's name.
    name: String,
    /// The milestone or release it is about; null if it is about neither.
    subject: Option<Uuid>,
    /// The sum of its entries: above zero a debit, below zero a credit.
    balance: MoneyOut,
}

/// What became of a milestone's money: funded = held + frozen + reserved + released.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MilestoneMoney)]
pub(super) struct SummaryOut {
    /// The milestone.
    milestone_id: Uuid,
    /// What came in for it.
    funded: MoneyOut,
    /// What is held for it and not reserved.
    held: MoneyOut,
    /// What of it stands on the account `frozen`. Nothing is posted there yet: the money of a frozen milestone stays `held`.
    frozen: MoneyOut,
    /// What is reserved for a release under way.
    reserved: MoneyOut,
    /// The platform's fee included.
    released: MoneyOut,
}

/// A contract's ledger, the same for both parties.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Statement, example = examples::statement)]
pub(super) struct StatementOut {
    /// The contract.
    contract_id: Uuid,
    /// The oldest first.
    transactions: Vec<TransactionOut>,
    /// Those that are not zero.
    balances: Vec<BalanceOut>,
    /// What became of each milestone's money, of those for which some came.
    milestones: Vec<SummaryOut>,
    /// Σ of all entries: zero.
    sum: MoneyOut,
}

impl From<Statement> for StatementOut {
    fn from(of: Statement) -> Self {
        let transactions = of.transactions.into_iter().map(|transaction| TransactionOut {
            id: transaction.id,
            kind: transaction.kind.into(),
            source: transaction.source.into(),
            source_id: transaction.object,
            reverses: transaction.reverses,
            at: transaction.at,
            entries: transaction
                .entries
                .into_iter()
                .map(|e| EntryOut { account: e.account, name: e.name, subject: e.subject, amount: e.amount.into() })
                .collect(),
        });
        let balances = of.balances.into_iter().map(|b| BalanceOut {
            account: b.account,
            name: b.name,
            subject: b.subject,
            balance: b.balance.into(),
        });
        let milestones = of.milestones.into_iter().map(|m| SummaryOut {
            milestone_id: m.milestone.0,
            funded: m.funded.into(),
            held: m.held.into(),
            frozen: m.frozen.into(),
            reserved: m.reserved.into(),
            released: m.released.into(),
        });
        Self {
            contract_id: of.contract.0,
            transactions: transactions.collect(),
            balances: balances.collect(),
            milestones: milestones.collect(),
            sum: of.sum.into(),
        }
    }
}

/// List contracts.
///
/// Those in which the organisation is the owner's or the contractor's side.
#[utoipa::path(params(Paging), responses((status = 200, description = "Newest first", body = List<ContractOut>)))]
#[get("/api/contracts")]
pub(super) async fn list(Authed(ctx): Authed, listing: Listing, service: Data<dyn Contracts>) -> Result<HttpResponse, Problem> {
    let page = service.list(&ctx, listing.page()).await?;
    Ok(listing.reply(page, |contract| ContractOut::of(&contract, ctx.org)))
}

/// Read a contract.
///
/// For both parties, with its milestones, signatures and holds.
#[utoipa::path(responses((status = 200, description = "The contract", body = ContractOut)))]
#[get("/api/contracts/{id}")]
pub(super) async fn read(
    Authed(ctx): Authed,
    Id(id): Id<ContractId>,
    request: HttpRequest,
    service: Data<dyn Contracts>,
) -> Result<HttpResponse, Problem> {
    let contract = service.get(&ctx, id).await?;
    Ok(web::single(&request, &ContractOut::of(&contract, ctx.org)))
}

/// Read the contract document.
///
/// Byte for byte what is signed: canonical JSON with parties, lines, milestones and terms. Its SHA-256 is the contract's `documentSha256`.
#[utoipa::path(responses((status = 200, description = "The document", body = DocumentOut, content_type = "application/json")))]
#[get("/api/contracts/{id}/document")]
pub(super) async fn document(
    Authed(ctx): Authed,
    Id(id): Id<ContractId>,
    service: Data<dyn Contracts>,
) -> Result<HttpResponse, Problem> {
    let text = service.document(&ctx, id).await?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(text))
}

/// Sign a contract.
///
/// For the side that the organisation is. Once both have signed, by different people, the contract is active.
#[utoipa::path(responses(
    (status = 200, description = "The contract", body = ContractOut),
    (status = 409, description = "`PAYEE_NOT_ACTIVE`: the contractor's payee account cannot receive transfers yet · `SAME_PERSON`: the caller signed for the other side · `STATE_CONFLICT`: it is not in signing"),
    (status = 422, description = "`DOCUMENT_MISMATCH`: this is not the hash of the contract document")
))]
#[post("/api/contracts/{id}/sign")]
pub(super) async fn sign(
    Authed(ctx): Authed,
    Id(contract): Id<ContractId>,
    once: Idempotent,
    service: Data<dyn Contracts>,
    body: Json<SignIn>,
) -> Result<HttpResponse, Problem> {
    let viewer = ctx.org;
    let cmd = Sign { contract, sha256: body.0.sha256 };
    once.run(
        ctx,
        async |ctx| service.sign(&ctx, cmd).await,
        move |contract: &Contract| Reply::ok(&ContractOut::of(contract, viewer)).etag(),
    )
    .await
}

/// Propose to end a contract, or agree to it.
///
/// For a contract that cannot go on, as long as none of its money is held: before it is in force it is cancelled, after that terminated, and
/// the tender can be decided anew or repeated. One party proposes, with a reason; the other agrees by the same call. Payments that were
/// started and not made are cancelled then.
#[utoipa::path(request_body = TerminateIn, responses(
    (status = 200, description = "Both parties agreed: it is over", body = ContractOut),
    (status = 202, description = "The other party must agree", body = ContractOut),
    (status = 409, description = "`MONEY_HELD`: what must be settled first · `SAME_PERSON`: nobody agrees with what they proposed themselves · `STATE_CONFLICT`: it is over already")
))]
#[post("/api/contracts/{id}/terminate")]
pub(super) async fn terminate(
    Authed(ctx): Authed,
    Id(contract): Id<ContractId>,
    once: Idempotent,
    service: Data<dyn Contracts>,
    body: OptionalBody<TerminateIn>,
) -> Result<HttpResponse, Problem> {
    let viewer = ctx.org;
    let cmd = Terminate { contract, reason: body.0.reason };
    once.run(
        ctx,
        async |ctx| service.terminate(&ctx, cmd).await,
        move |ending: &Terminating| {
            let status = if ending.waiting { StatusCode::ACCEPTED } else { StatusCode::OK };
            Reply::json(status, &ContractOut::of(&ending.contract, viewer)).etag()
        },
    )
    .await
}

/// Withdraw one's proposal to end a contract.
///
/// As long as the other party has not agreed. The contract goes on.
#[utoipa::path(responses(
    (status = 200, description = "The contract", body = ContractOut),
    (status = 409, description = "`STATE_CONFLICT`: nobody proposes to end it, or the other party does")
))]
#[post("/api/contracts/{id}/withdraw-termination")]
pub(super) async fn withdraw_termination(
    Authed(ctx): Authed,
    Id(id): Id<ContractId>,
    once: Idempotent,
    service: Data<dyn Contracts>,
) -> Result<HttpResponse, Problem> {
    let viewer = ctx.org;
    once.run(
        ctx,
        async |ctx| service.withdraw_termination(&ctx, id).await,
        move |contract: &Contract| Reply::ok(&ContractOut::of(contract, viewer)).etag(),
    )
    .await
}

/// Declare practical completion.
///
/// By the owner, once every milestone is released, refunded or cancelled.
#[utoipa::path(responses(
    (status = 200, description = "The contract", body = ContractOut),
    (status = 409, description = "`STATE_CONFLICT`: it is not active, or one of its milestones is not released, refunded or cancelled yet")
))]
#[post("/api/contracts/{id}/complete")]
pub(super) async fn complete(
    Authed(ctx): Authed,
    Id(id): Id<ContractId>,
    once: Idempotent,
    service: Data<dyn Contracts>,
) -> Result<HttpResponse, Problem> {
    let viewer = ctx.org;
    once.run(
        ctx,
        async |ctx| service.complete(&ctx, id).await,
        move |contract: &Contract| Reply::ok(&ContractOut::of(contract, viewer)).etag(),
    )
    .await
}

/// Read a contract's statement.
///
/// Every ledger transaction with the ids of its source, every balance, and what became of each milestone's money.
#[utoipa::path(responses((status = 200, description = "The statement", body = StatementOut)))]
#[get("/api/contracts/{id}/statement")]
pub(super) async fn statement(
    Authed(ctx): Authed,
    Id(id): Id<ContractId>,
    service: Data<dyn Contracts>,
) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&StatementOut::from(service.statement(&ctx, id).await?)).response())
}
