//! `/api/payee-account`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use escrow_api::{Onboarding, Payee, PayeeStatus, Payees};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Authed, Idempotent, OneOf, Problem, Reply};

type Status = OneOf<PayeeStatus>;

/// The organisation's payee account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayeeAccount, example = json!({
    "status": "active", "accountId": "acct_1Nv0FGQ9RKHgCVdK", "requirements": [], "disabledReason": null
}))]
pub(super) struct PayeeOut {
    /// Whether it can receive transfers.
    status: Status,
    /// The provider's account; null before it is made.
    #[schema(example = "acct_1Nv0FGQ9RKHgCVdK")]
    account_id: Option<String>,
    /// What the provider still asks for.
    requirements: Vec<String>,
    /// Why it is disabled; null unless it is.
    disabled_reason: Option<String>,
}

impl From<&Payee> for PayeeOut {
    fn from(payee: &Payee) -> Self {
        Self {
            status: payee.status.into(),
            account_id: payee.account.clone(),
            requirements: payee.requirements.clone(),
            disabled_reason: payee.disabled_reason.clone(),
        }
    }
}

/// The way to set the account up.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Onboarding, example = json!({
    "onboardingUrl": "https://connect.stripe.com/setup/e/acct_1Nv0FGQ9RKHgCVdK/T6s8nYc2lZ", "status": "onboarding"
}))]
pub(super) struct OnboardingOut {
    /// The provider's page: one use, expires. Ask again for a fresh one.
    #[schema(format = "uri")]
    onboarding_url: String,
    /// Where the account stands.
    status: Status,
}

/// Read the payee account.
///
/// The account at the payment provider to which the organisation is paid. Its state is fetched there if it may have changed.
#[utoipa::path(responses((status = 200, description = "The account; `none` if there is none", body = PayeeOut)))]
#[get("/api/payee-account")]
pub(super) async fn read(Authed(ctx): Authed, request: HttpRequest, service: Data<dyn Payees>) -> Result<HttpResponse, Problem> {
    Ok(web::single(&request, &PayeeOut::from(&service.payee(&ctx).await?)))
}

/// Set up the payee account.
///
/// Makes the account once and gives a link to the provider's onboarding page each time. Where the account there was is closed, an owner of the
/// organisation has a new one made; the organisation's contracts are suspended until it is active.
#[utoipa::path(responses(
    (status = 200, description = "Where to go on", body = OnboardingOut),
    (status = 409, description = "`STATE_CONFLICT`: it was closed a moment ago"),
    (status = 422, description = "`PROVIDER_REFUSED`: the payment provider refuses it, in its words")
))]
#[post("/api/payee-account")]
pub(super) async fn onboard(Authed(ctx): Authed, once: Idempotent, service: Data<dyn Payees>) -> Result<HttpResponse, Problem> {
    let render = |onboarding: &Onboarding| {
        Reply::ok(&OnboardingOut { onboarding_url: onboarding.url.clone(), status: onboarding.payee.status.into() })
    };
    once.run(ctx, async |ctx| service.onboard(&ctx).await, render).await
}
