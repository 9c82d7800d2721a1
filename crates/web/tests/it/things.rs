//! The domain of these tests: things, with a handler of every shape.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use kernel::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{
    AmountIn, AuthRateLimit, Authed, CurrencyCode, Decimal4, Decimal4Out, Faults, Guard, Id, Idempotent, IfMatch, Json, List,
    Listing, MoneyIn, MoneyOut, NoBody, OptionalBody, Paging, Patch, Problem, Query, RawBody, Reply, Routes,
};

use crate::fixture::Seen;

pub const AWARD: Permission = Permission("things.award");
pub const ID: &str = "0199d0c4-f3a2-7c5e-8a6f-0d1b2c3d4e5f";

#[derive(Debug, Serialize, Deserialize, ToSchema, Clone)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ThingIn {
    #[schema(min_length = 1, max_length = 20)]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Decimal4>,
    #[serde(default)]
    #[schema(max_items = 3)]
    pub floors: Vec<FloorIn>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoteIn {
    #[schema(max_length = 5)]
    note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema, Clone)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FloorIn {
    #[schema(minimum = 1, maximum = 200)]
    pub floor_number: i32,
    pub floor_area: Decimal4,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    Round,
    Square,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code)]
pub struct EverythingIn {
    pub id: Uuid,
    #[schema(format = Email, max_length = 254)]
    pub email: String,
    pub at: chrono::DateTime<chrono::Utc>,
    pub on: Option<chrono::NaiveDate>,
    pub shape: Shape,
    pub maybe_shape: Option<Shape>,
    #[schema(pattern = "^[a-z]+$")]
    pub slug: String,
    pub count: u16,
    pub big: i64,
    pub yes: bool,
    #[schema(min_items = 1)]
    pub tags: Vec<String>,
    pub nested: Option<FloorIn>,
    pub total: MoneyIn,
    pub budget: Option<AmountIn>,
    pub currency: CurrencyCode,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThingOut {
    pub id: Uuid,
    pub name: String,
    pub note: Option<String>,
    pub rate: Option<Decimal4Out>,
    pub total: MoneyOut,
}

#[derive(Debug, Clone)]
pub struct Thing {
    pub id: ProjectId,
    pub name: String,
    pub note: Option<String>,
    pub rate: Option<Decimal4>,
}

pub fn thing() -> Thing {
    Thing { id: ID.parse().unwrap(), name: "Bridge".into(), note: None, rate: None }
}

impl From<&Thing> for ThingOut {
    fn from(thing: &Thing) -> Self {
        let total = MoneyOut(Money::from_minor(964_900, Currency::EUR));
        let rate = thing.rate.map(|rate| Decimal4Out(rate.0));
        Self { id: thing.id.into(), name: thing.name.clone(), note: thing.note.clone(), rate, total }
    }
}

impl From<&Thing> for ThingIn {
    fn from(thing: &Thing) -> Self {
        Self { name: thing.name.clone(), note: thing.note.clone(), rate: thing.rate, floors: Vec::new() }
    }
}

kernel::refusals! {
    #[derive(Debug, thiserror::Error)]
    pub enum Refused {
        #[error("the thing is frozen: make a new version")]
        Frozen = Conflict("THING_FROZEN", "frozen"),
        #[error("the deadline is over")]
        Closed = Invalid("TENDER_CLOSED"),
    }
    extra {
        Self::Closed => vec![("deadline", "2026-03-31T16:00:00Z".into())],
    }
}

/// What `db` does with a key, in memory.
async fn write(seen: &Seen, ctx: &Ctx, thing: Thing) -> Result<Thing, Refused> {
    if let Some(once) = &ctx.once {
        let stored = seen.stored.lock().unwrap().get(&once.key.key).cloned();
        if let Some((key, answer)) = stored {
            let kind = if key == once.key { FaultKind::Replayed(answer) } else { FaultKind::KeyReused };
            return Err(Refused::Fault(Fault::new(kind, "seen before")));
        }
        if once.key.key == "in-flight" {
            return Err(Refused::Fault(Fault::new(FaultKind::InFlight, "still running")));
        }
        once.note_granted(Permission("things.name"), Scope::Organization);
        let answer = once.render(&thing).unwrap();
        seen.stored.lock().unwrap().insert(once.key.key.clone(), (once.key.clone(), answer.clone()));
        once.set_answer(answer);
    }
    *seen.runs.lock().unwrap() += 1;
    Ok(thing)
}

/// Makes a thing.
#[utoipa::path(responses((status = 201, description = "The new thing", body = ThingOut)))]
#[post("/api/things")]
async fn create(Authed(ctx): Authed, once: Idempotent, seen: Data<Seen>, body: Json<ThingIn>) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::new();
    if body.0.name.trim().is_empty() {
        faults.push("/name", "REQUIRED", "must not be blank");
    }
    faults.finish()?;
    let new = Thing { name: body.0.name, note: body.0.note, rate: body.0.rate, ..thing() };
    let render = |thing: &Thing| Reply::created(format!("/api/things/{}", thing.id), &ThingOut::from(thing)).etag();
    once.run(ctx, async |ctx| write(&seen, &ctx, new).await, render).await
}

#[utoipa::path(responses((status = 200, description = "The thing", body = ThingOut)))]
#[get("/api/things/{id}")]
async fn read(_: Authed, Id(id): Id<ProjectId>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if id != thing().id {
        return Err(Problem::not_found());
    }
    Ok(web::single(&request, &ThingOut::from(&thing())))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ThingStatus {
    Draft,
    Open,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ThingsQuery {
    #[param(inline)]
    status: Option<ThingStatus>,
    owner: Option<Uuid>,
    late: Option<bool>,
}

#[utoipa::path(params(ThingsQuery, Paging), responses((status = 200, description = "Newest first", body = List<ThingOut>)))]
#[get("/api/things")]
async fn list(_: Authed, listing: Listing<ThingsQuery>) -> Result<HttpResponse, Problem> {
    let request = listing.page();
    let ThingsQuery { status, owner, late } = &listing.filter;
    let _ = status.as_ref().map(|status| matches!(status, ThingStatus::Draft | ThingStatus::Open));
    let _ = (owner, late);
    let at = |n: u32| Position {
        created_at: chrono::DateTime::from_timestamp(1_800_000_000 - i64::from(n), 0).unwrap(),
        id: Uuid::from_u128(n.into()),
    };
    let rows = (0..250).map(at).filter(|p| request.after.is_none_or(|after| (p.created_at, p.id) < (after.created_at, after.id)));
    let page = Page::cut(rows.take(request.fetch() as usize).collect(), request, |p| *p);
    Ok(listing.reply(page, |position| position.id))
}

#[utoipa::path(params(Paging), responses((status = 200, description = "Rates", body = List<String>)))]
#[get("/api/rates")]
async fn rates(listing: Listing) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&listing.page().limit).response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PeriodQuery {
    /// In days.
    #[param(minimum = 1, maximum = 31)]
    length: u32,
    on: Option<chrono::NaiveDate>,
}

#[utoipa::path(params(PeriodQuery), responses((status = 200, description = "How long it is")))]
#[get("/api/periods")]
async fn period(Query(query): Query<PeriodQuery>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&(query.length, query.on)).response())
}

#[utoipa::path(responses((status = 200, description = "The changed thing", body = ThingOut)))]
#[put("/api/things/{id}")]
async fn replace(_: Authed, _: Id<ProjectId>, if_match: IfMatch, body: Json<ThingIn>) -> Result<HttpResponse, Problem> {
    if_match.check(&web::etag(&ThingOut::from(&thing())))?;
    Ok(Reply::ok(&body.0).response())
}

#[utoipa::path(request_body = ThingIn, responses((status = 200, description = "The changed thing", body = ThingOut)))]
#[patch("/api/things/{id}")]
async fn change(_: Authed, _: Id<ProjectId>, patch: Patch<ThingIn>) -> Result<HttpResponse, Problem> {
    let current = ThingIn { note: Some("old".into()), rate: Some(Decimal4("1.5".parse().unwrap())), ..ThingIn::from(&thing()) };
    Ok(Reply::ok(&patch.apply(&current)?).response())
}

#[utoipa::path(responses((status = 204, description = "It is gone")))]
#[delete("/api/things/{id}")]
async fn remove(_: Authed, _: Id<ProjectId>) -> Result<HttpResponse, Problem> {
    Ok(Reply::no_content().response())
}

#[utoipa::path(responses((status = 200, description = "Awarded")))]
#[post("/api/things/{id}/award")]
async fn award(Authed(ctx): Authed, Id(id): Id<ProjectId>, once: Idempotent) -> Result<HttpResponse, Problem> {
    once.run(
        ctx,
        async |_| Err::<Thing, _>(Refused::Denied(Denied { permission: AWARD, project: Some(id) })),
        |thing: &Thing| Reply::ok(&ThingOut::from(thing)),
    )
    .await
}

#[utoipa::path(responses((status = 200, description = "Fails as asked")))]
#[get("/api/failures/{how}")]
async fn fail(how: Id<String>) -> Result<HttpResponse, Problem> {
    Err(match how.0.as_str() {
        "frozen" => Refused::Frozen.into(),
        "closed" => Refused::Closed.into(),
        "internal" => Refused::Fault(Fault::internal("password=hunter2 in relation bids")).into(),
        "unavailable" => Refused::Fault(Fault::unavailable("connection to 10.1.2.3 refused")).into(),
        "busy" => auth_api::Error::Busy(std::time::Duration::from_secs(7)).into(),
        "attempts" => auth_api::Error::TooManyAttempts(Spent {
            limit: "attempts",
            requests: 10,
            seconds: 60,
            wait: std::time::Duration::from_millis(58_001),
        })
        .into(),
        "panic" => panic!("secret text"),
        _ => Problem::not_found(),
    })
}

#[utoipa::path(responses((status = 200, description = "Everything")))]
#[post("/api/everything")]
async fn everything(body: Json<EverythingIn>) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::new();
    faults.check("/total/amount", body.0.total.to_money());
    if let Some(budget) = body.0.budget {
        faults.check("/budget", budget.to_money(body.0.currency.0));
    }
    faults.finish()?;
    Ok(Reply::ok(&body.0.total.amount).response())
}

#[utoipa::path(responses((status = 200, description = "Signed in")))]
#[post("/api/auth/login")]
async fn login(_: AuthRateLimit) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&"in").response())
}

#[utoipa::path(responses((status = 204, description = "Signed out")))]
#[post("/api/auth/logout")]
async fn logout(_: NoBody) -> Result<HttpResponse, Problem> {
    Ok(Reply::no_content().response())
}

#[utoipa::path(request_body = NoteIn, responses((status = 200, description = "Its note")))]
#[post("/api/notes")]
async fn note(body: OptionalBody<NoteIn>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&body.0.note).response())
}

#[utoipa::path(responses((status = 200, description = "Its length")))]
#[post("/api/raw")]
async fn raw(body: RawBody) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&body.0.len()).response())
}

#[utoipa::path(responses((status = 200, description = "Much text")))]
#[get("/api/long")]
async fn long() -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&"x".repeat(5000)).response())
}

/// Things that are for parties alone; support reads the list of them.
pub fn of_parties() -> Routes {
    let parties = || Guard::Party("owner or bidder");
    let mut r = Routes::new();
    r.tag("Things", "Things of two parties.").add(parties(), || read).add(parties(), || list).for_support();
    r.add(parties(), || remove).for_support();
    r
}

pub fn routes() -> Routes {
    let mut r = Routes::new();
    r.tag("Things", "Things and their rates.")
        .add(Guard::SignedIn, || read)
        .tagged()
        .add(Permission("things.create"), || create)
        .tagged()
        .add(Guard::SignedIn, || list)
        .add(Guard::Party("owner or bidder"), || replace)
        .add(Guard::SignedIn, || change)
        .add(Guard::SignedIn, || remove)
        .add(AWARD, || award);
    r.tag("Others", "The rest.").add(Guard::Public, || rates).add(Guard::Public, || fail).add(Guard::Public, || everything);
    r.add(Guard::Public, || login).add(Guard::Public, || raw).body_limit(3 << 20).add(Guard::Public, || long);
    r.add(Guard::Public, || logout).add(Guard::Public, || note).add(Guard::Public, || period);
    r
}
