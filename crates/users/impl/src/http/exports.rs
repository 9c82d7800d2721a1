//! `/api/organization/export`, `/api/user/export`, `/api/user/exports`: what somebody takes along; and `/exports/{id}`, where the mail leads and the archive
//! is fetched.

use std::io;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, Data, ServiceConfig, get as route};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, Utc};
use futures::stream;
use kernel::FaultKind;
use mail_api::Language;
use serde::Serialize;
use users_api::{Error, Export, ExportState, Exports};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authed, CurrentSession, FormPage, List, NoBody, OneOf, Problem, Reply};

use super::examples;
use super::language::language_of;

/// Where an archive is fetched.
const PATH: &str = "/exports/{id}";

type Status = OneOf<ExportState>;

/// An archive.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Export, example = examples::export)]
pub(super) struct ExportOut {
    /// Its id.
    id: Uuid,
    /// Of which organisation; null: of the caller.
    organization_id: Option<Uuid>,
    /// How far it is.
    status: Status,
    /// Where it is fetched, for whoever asked for it, in a session; of an organisation within five minutes after a proof of who they are, and not while it is
    /// suspended.
    #[schema(pattern = "^/exports/")]
    path: String,
    /// How many bytes it has; null until it is ready.
    #[schema(minimum = 0, maximum = 1073741824)]
    size: Option<u64>,
    /// Their SHA-256, in hexadecimal digits; null until it is ready.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: Option<String>,
    /// When it was asked for.
    asked_at: DateTime<Utc>,
    /// Until when it can be fetched.
    expires_at: DateTime<Utc>,
}

impl From<Export> for ExportOut {
    fn from(export: Export) -> Self {
        let Export { id, organization, state, made, asked_at, expires_at } = export;
        Self {
            id,
            organization_id: organization.map(|org| org.0),
            status: state.into(),
            path: format!("/exports/{id}"),
            size: made.map(|(size, _)| size),
            sha256: made.map(|(_, digest)| hex::encode(digest)),
            asked_at,
            expires_at,
        }
    }
}

fn accepted(export: Export) -> HttpResponse {
    Reply::json(StatusCode::ACCEPTED, &ExportOut::from(export)).response()
}

/// Take along what the organisation has here.
///
/// A ZIP of JSON and CSV files: its settings, members and trail, projects, schedules, tenders, its own bids, contracts and what was paid. A mail tells when it
/// can be fetched. One that was asked for within the hour is the answer again.
#[utoipa::path(responses((status = 202, description = "It is being made, or there", body = ExportOut)))]
#[post("/api/organization/export")]
pub(super) async fn of_organization(
    Authed(ctx): Authed,
    request: HttpRequest,
    exports: Data<dyn Exports>,
    _: NoBody,
) -> Result<HttpResponse, Problem> {
    Ok(accepted(exports.export_organization(&ctx, language_of(&request)).await?))
}

/// Take along what is kept of oneself.
///
/// A ZIP of JSON and CSV files: the profile, memberships, sessions and security events. A mail tells when it can be fetched. One that was asked for within the
/// hour is the answer again.
#[utoipa::path(responses((status = 202, description = "It is being made, or there", body = ExportOut)))]
#[post("/api/user/export")]
pub(super) async fn of_person(
    Authed(ctx): Authed,
    request: HttpRequest,
    exports: Data<dyn Exports>,
    _: NoBody,
) -> Result<HttpResponse, Problem> {
    Ok(accepted(exports.export_person(&ctx, language_of(&request)).await?))
}

/// List the archives that the caller asked for.
///
/// Those that are not over, the newest first. A person has so few that one page holds them all.
#[utoipa::path(responses((status = 200, description = "All of them", body = List<ExportOut>)))]
#[get("/api/user/exports")]
pub(super) async fn list(Authed(ctx): Authed, exports: Data<dyn Exports>) -> Result<HttpResponse, Problem> {
    let data = exports.exports(&ctx).await?.into_iter().map(ExportOut::from).collect();
    Ok(Reply::ok(&List { data, next_cursor: None }).response())
}

/// Adds where archives are fetched. It is for people who follow the link of a mail, and no part of the API.
pub(super) fn page(config: &mut ServiceConfig) {
    config.route(PATH, route().to(fetch));
}

async fn fetch(
    request: HttpRequest,
    session: Result<CurrentSession, Problem>,
    authed: Result<Authed, Problem>,
    exports: Data<dyn Exports>,
) -> Result<HttpResponse, Problem> {
    let words = words(language_of(&request));
    let (Ok(_), Ok(Authed(ctx))) = (session, authed) else {
        return Ok(says(words, StatusCode::UNAUTHORIZED, words.sign_in, words.sign_in_lead));
    };
    let id = request.match_info().get("id").and_then(|id| id.parse::<Uuid>().ok());
    let found = match id {
        Some(id) => exports.export(&ctx, id).await,
        None => Err(Error::NotFound("archive")),
    };
    let export = match found {
        Ok(export) => export,
        Err(Error::NotFound(_)) => return Ok(says(words, StatusCode::NOT_FOUND, words.missing, words.missing_lead)),
        Err(Error::OrganizationSuspended) => {
            return Ok(says(words, StatusCode::FORBIDDEN, words.suspended, words.suspended_lead));
        }
        Err(Error::Fault(fault)) if *fault.kind() == FaultKind::StepUpRequired => {
            return Ok(says(words, StatusCode::FORBIDDEN, words.prove, words.prove_lead));
        }
        Err(other) => return Err(other.into()),
    };
    // One piece is in memory at a time, and each is asked for by whoever still may have it.
    let pieces = stream::try_unfold((exports, ctx, 0), move |(exports, ctx, position)| async move {
        let piece = exports.piece(&ctx, export.id, position).await.map_err(io::Error::other)?;
        Ok::<_, io::Error>(piece.map(|piece| (Bytes::from(piece), (exports, ctx, position + 1))))
    });
    let mut response = HttpResponse::Ok();
    response
        .content_type("application/zip")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"build14-{}.zip\"", export.id)))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    if let Some((size, _)) = export.made {
        response.no_chunking(size);
    }
    Ok(response.streaming(pieces))
}

fn says(words: &Words, status: StatusCode, title: &str, lead: &str) -> HttpResponse {
    FormPage { status, language: words.language, title, lead, fault: None, form: None }.response()
}

/// What the page says in one language when there is nothing to fetch.
struct Words {
    language: &'static str,
    sign_in: &'static str,
    sign_in_lead: &'static str,
    missing: &'static str,
    missing_lead: &'static str,
    suspended: &'static str,
    suspended_lead: &'static str,
    prove: &'static str,
    prove_lead: &'static str,
}

static ENGLISH: Words = Words {
    language: "en",
    sign_in: "Sign in first",
    sign_in_lead: "The archive is for whoever asked for it alone. Sign in to your application in this browser, then open the link again.",
    missing: "There is no such archive",
    missing_lead: "It was asked for by somebody else, is not there yet, or is kept no longer; or your organisation lets you in by its own sign-in alone: then an owner who comes in otherwise takes it along. Ask for another one.",
    suspended: "The organisation is suspended",
    suspended_lead: "Nothing of it is taken along until the platform resumes it. Open the link again then.",
    prove: "Show once more who you are",
    prove_lead: "The archive holds all that your organisation has here. Sign in to your application once more in this browser, then open the link again within five minutes.",
};

static GERMAN: Words = Words {
    language: "de",
    sign_in: "Melden Sie sich zuerst an",
    sign_in_lead: "Das Archiv ist nur für den, der darum gebeten hat. Melden Sie sich in diesem Browser in Ihrer Anwendung an und öffnen Sie den Link dann noch einmal.",
    missing: "Dieses Archiv gibt es nicht",
    missing_lead: "Jemand anderes hat darum gebeten, es ist noch nicht fertig, oder es wird nicht mehr aufbewahrt; oder Ihre Organisation lässt Sie nur über die eigene Anmeldung ein: dann nimmt es ein Eigentümer mit, der anders hineinkommt. Bitten Sie um ein neues.",
    suspended: "Die Organisation ist gesperrt",
    suspended_lead: "Solange die Plattform sie nicht wieder freigibt, wird nichts von ihr mitgenommen. Öffnen Sie den Link danach noch einmal.",
    prove: "Zeigen Sie noch einmal, wer Sie sind",
    prove_lead: "Das Archiv enthält alles, was Ihre Organisation hier hat. Melden Sie sich in diesem Browser noch einmal in Ihrer Anwendung an und öffnen Sie den Link dann innerhalb von fünf Minuten.",
};

fn words(language: Language) -> &'static Words {
    match language {
        Language::German => &GERMAN,
        Language::English => &ENGLISH,
    }
}
