//! One call: sent, repeated where that is safe, its answer read or its failure judged.

use std::time::Duration;

use bytes::Bytes;
use escrow_api::ProviderError;
use serde::de::DeserializeOwned;
use stripe::{CustomizedStripeRequest, IdempotencyKey, RequestStrategy, StripeError};
use stripe_client_core::{RequestBuilder, StripeClient, StripeClientErr, StripeMethod};

/// The longest pause before a repetition.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Stripe's client with our own rules of repetition.
pub(crate) struct Caller {
    pub(crate) client: stripe::Client,
    pub(crate) retries: u32,
}

/// What one attempt came to.
enum Attempt {
    Answered(Bytes),
    Failed(StripeError),
}

/// async-stripe decodes whatever its client returns as `Ok`; this client returns the bytes as an error, so that we decode them.
struct Undecoded<'a>(&'a stripe::Client);

impl StripeClientErr for Attempt {
    fn deserialize_err(message: impl std::fmt::Display) -> Self {
        Self::Failed(StripeError::JSONDeserialize(message.to_string()))
    }
}

impl StripeClient for Undecoded<'_> {
    type Err = Attempt;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, Attempt> {
        match self.0.execute(request).await {
            Ok(bytes) => Err(Attempt::Answered(bytes)),
            Err(error) => Err(Attempt::Failed(error)),
        }
    }
}

/// Whose a thing is that is asked for: what 'not allowed' means depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Ours: our key lacks a permission.
    Ours,
    /// A payee's account: it may have left us.
    Payees,
}

/// How a failed attempt is to be taken.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// Final, and nothing happened.
    Final(ProviderError),
    /// Nothing happened; worth a repetition.
    NotDone(String),
    /// Something may have happened; worth a repetition with the same key.
    MaybeDone(String),
    /// Something may have happened, and the key most likely repeats this answer; worth a repetition all the same, since it may have been
    /// given before the work began.
    Failed(String),
    /// Something may have happened, and it took too long already.
    Lost(String),
}

impl Caller {
    /// Sends a request that reads, or whose loss harms nobody.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        what: &'static str,
        request: &RequestBuilder,
    ) -> Result<T, ProviderError> {
        self.call(what, request, None, Whose::Ours).await.map_err(never_unsure)
    }

    /// As [`Caller::get`], for a payee's account: one that left us is `Refused`, as one that is gone.
    pub(crate) async fn get_account<T: DeserializeOwned>(
        &self,
        what: &'static str,
        request: &RequestBuilder,
    ) -> Result<T, ProviderError> {
        self.call(what, request, None, Whose::Payees).await.map_err(never_unsure)
    }

    /// Sends a request that makes or changes something.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        what: &'static str,
        request: &RequestBuilder,
        key: &str,
    ) -> Result<T, ProviderError> {
        let key = IdempotencyKey::new(key).map_err(|error| ProviderError::Unexpected(error.to_string()))?;
        self.call(what, request, Some(key), Whose::Ours).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        what: &'static str,
        request: &RequestBuilder,
        key: Option<IdempotencyKey>,
        whose: Whose,
    ) -> Result<T, ProviderError> {
        uow::forbid_in_transaction("a call to Stripe").map_err(|fault| ProviderError::Unexpected(fault.to_string()))?;
        let strategy = key.map_or(RequestStrategy::Once, RequestStrategy::Idempotent);
        let mut unsure: Option<ProviderError> = None;
        let mut repeated = 0;
        loop {
            let sent = same(request).customize::<()>().request_strategy(strategy.clone()).send(&Undecoded(&self.client)).await;
            let error = match sent {
                Err(Attempt::Answered(bytes)) => return read(what, &bytes),
                Err(Attempt::Failed(error)) => error,
                Ok(()) => StripeError::JSONDeserialize("an answer that was not to be decoded was".to_owned()),
            };
            let why = match judge(error, whose) {
                Verdict::Final(refused) => return Err(behind(unsure, refused)),
                // A 500 that was answered before stays the key's answer.
                Verdict::Lost(why) => {
                    return Err(match unsure {
                        Some(spent @ ProviderError::KeySpent(_)) => spent,
                        _ => ProviderError::Unknown(why),
                    });
                }
                Verdict::NotDone(why) => why,
                Verdict::MaybeDone(why) => {
                    unsure.get_or_insert_with(|| ProviderError::Unknown(why.clone()));
                    why
                }
                Verdict::Failed(why) => {
                    unsure = Some(ProviderError::KeySpent(why.clone()));
                    why
                }
            };
            if repeated == self.retries {
                tracing::warn!(what, why, repeated, "Stripe does not do it");
                return Err(unsure.unwrap_or(ProviderError::Unavailable(why)));
            }
            let longest = LONGEST_PAUSE.min(Duration::from_millis(200) * 2_u32.saturating_pow(repeated));
            let pause = rand::random_range(longest / 2..=longest);
            tokio::time::sleep(pause).await;
            repeated += 1;
        }
    }
}

/// The last word after attempts of which nobody knows what they did. That Stripe would not listen now, say because the key was rolled
/// meanwhile, tells nothing of them. A refusal does: under the same key, what was done is answered as it was then.
fn behind(unsure: Option<ProviderError>, last: ProviderError) -> ProviderError {
    match (unsure, last) {
        (Some(unsure), ProviderError::Unavailable(_) | ProviderError::Unexpected(_)) => unsure,
        (_, last) => last,
    }
}

/// A look has no effect that matters, so there is nothing to be unsure about.
fn never_unsure(error: ProviderError) -> ProviderError {
    match error {
        ProviderError::Unknown(why) | ProviderError::KeySpent(why) => ProviderError::Unavailable(why),
        other => other,
    }
}

fn same(request: &RequestBuilder) -> RequestBuilder {
    RequestBuilder {
        query: request.query.clone(),
        body: request.body.clone(),
        path: request.path.clone(),
        method: match request.method {
            StripeMethod::Get => StripeMethod::Get,
            StripeMethod::Post => StripeMethod::Post,
            StripeMethod::Delete => StripeMethod::Delete,
        },
    }
}

fn judge(error: StripeError, whose: Whose) -> Verdict {
    match error {
        StripeError::Stripe(said, status) => {
            let code = said.code.as_ref().map_or_else(|| said.type_.as_str().to_owned(), |code| code.as_str().to_owned());
            // Only the message: the error's other fields may hold a whole payment intent with its client secret.
            let message = said.message.clone().unwrap_or_else(|| "without a word".to_owned());
            let why = format!("{message} ({status} {code})");
            match status {
                429 => Verdict::NotDone(why),
                // Stripe's words would be about our key.
                403 if whose == Whose::Payees && code == "account_invalid" => {
                    let message = "the account is gone, or no longer connected to the platform".to_owned();
                    Verdict::Final(ProviderError::Refused { code, message })
                }
                // Our key is at fault, not the request: it may be tried again once that is mended.
                401 | 403 => Verdict::Final(ProviderError::Unavailable(why)),
                409 if code == "idempotency_key_in_use" => Verdict::MaybeDone(why),
                424 | 500.. => Verdict::Failed(why),
                // The key was used for another request, which may have had its effect: no refusal.
                _ if said.type_.as_str() == "idempotency_error" => Verdict::Final(ProviderError::KeySpent(why)),
                _ => Verdict::Final(ProviderError::Refused { code, message }),
            }
        }
        StripeError::Timeout => Verdict::Lost("no answer in time".to_owned()),
        // hyper-util's word for 'no connection was made'; pinned by a test.
        StripeError::ClientError(why) if why.contains("(Connect)") => Verdict::NotDone(format!("no connection: {why}")),
        StripeError::ClientError(why) => Verdict::Lost(why),
        // An error that is not Stripe's own: something in between answered, typically 502.
        StripeError::JSONDeserialize(_) => Verdict::MaybeDone("an error that is not of Stripe's making".to_owned()),
        StripeError::ConfigError(why) => Verdict::Final(ProviderError::Unexpected(why)),
    }
}

fn read<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, ProviderError> {
    // The answer may hold secrets: the error tells the place, never the content.
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(bytes))
        .map_err(|error| ProviderError::Unexpected(format!("{what}: cannot read `{}` of the answer", error.path())))
}
