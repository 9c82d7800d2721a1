//! `/api/user`: oneself.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, patch};
use serde::{Deserialize, Serialize};
use users_api::{ProfileChange, User, Users};
use utoipa::ToSchema;
use web::{Authed, IfMatch, Patch, Problem, Reply};

use super::dto::{Locale, UserOut};

/// One's own profile.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Ada Lovelace", "image": "https://example.com/ada.png", "locale": "en"}))]
pub(super) struct Profile {
    /// What you are called.
    #[schema(min_length = 1, max_length = 200, examples("Ada Lovelace"))]
    name: String,
    /// An `https` address; null for none.
    #[schema(max_length = 2000, examples("https://example.com/ada.png"))]
    image: Option<String>,
    /// The language of the mails that you get; null: the one that the program asks for which a mail is of.
    locale: Option<Locale>,
}

/// Read oneself.
///
/// The person who is signed in, in whichever organisation they act.
#[utoipa::path(responses((status = 200, description = "The caller", body = UserOut)))]
#[get("/api/user")]
pub(super) async fn read(Authed(ctx): Authed, request: HttpRequest, users: Data<dyn Users>) -> Result<HttpResponse, Problem> {
    Ok(web::single(&request, &UserOut::from(users.profile(&ctx).await?.user)))
}

/// Change oneself.
///
/// Name, picture and language. What is left out stays.
#[utoipa::path(request_body = Profile, responses((status = 200, description = "The caller, changed", body = UserOut)))]
#[patch("/api/user")]
pub(super) async fn change(
    Authed(ctx): Authed,
    if_match: IfMatch,
    users: Data<dyn Users>,
    patch: Patch<Profile>,
) -> Result<HttpResponse, Problem> {
    let changed = web::unless_overtaken(async || {
        let current = users.profile(&ctx).await?.user;
        if_match.check(&tag(&current))?;
        let User { name, image, language, updated_at, .. } = current;
        let Profile { name, image, locale } = patch.apply(&Profile { name, image, locale: language.map(Locale::from) })?;
        let language = locale.map(|locale| locale.0);
        Ok(users.update_profile(&ctx, ProfileChange { name, image, language }, Some(updated_at)).await)
    });
    Ok(Reply::ok(&UserOut::from(changed.await?)).etag().response())
}

/// The tag of what is shown of a person.
pub(super) fn tag(user: &User) -> String {
    web::etag(&UserOut::from(user.clone()))
}
