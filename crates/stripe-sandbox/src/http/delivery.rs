//! The worker that posts webhooks, signed with the real time, and lets the clock's tasks happen.

use crate::http::shared::Shared;
use crate::objects::due;
use crate::webhooks::queue::{self, Parcel};
use crate::webhooks::signature;
use crate::world::{Origin, clock};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use std::sync::Arc;
use std::time::Duration;

/// How many deliveries are under way at once.
const AT_ONCE: usize = 16;

/// How long the worker sleeps at most: the sandbox's clock runs by itself, too.
const TICK: Duration = Duration::from_millis(500);

/// Delivers until it is dropped.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut under_way = FuturesUnordered::new();
    loop {
        let (parcels, pause) = {
            let mut state = shared.lock();
            due::enter(&mut state, Origin::default());
            let parcels = queue::take_due(&mut state, AT_ONCE - under_way.len());
            shared.commit(&mut state);
            let pause = match state.webhooks.next_due() {
                Some(at) if under_way.len() + parcels.len() < AT_ONCE => {
                    Duration::from_millis(u64::try_from(at - clock::real_millis()).unwrap_or(0)).min(TICK)
                }
                _ => TICK,
            };
            (parcels, pause)
        };
        for parcel in parcels {
            under_way.push(post_and_record(&shared, parcel));
        }
        tokio::select! {
            Some(()) = under_way.next() => {}
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Posts one webhook and records how it went.
pub(crate) async fn post_and_record(shared: &Shared, parcel: Parcel) {
    let outcome = post(shared, &parcel).await;
    tracing::debug!(event = %parcel.event, url = %parcel.url, ?outcome, "webhook");
    let mut state = shared.lock();
    queue::attempted(&mut state, &parcel, outcome);
    shared.commit(&mut state);
}

async fn post(shared: &Shared, parcel: &Parcel) -> Result<u16, String> {
    let signature = signature::sign(&parcel.secret, clock::real_seconds(), &parcel.payload);
    let answer = shared
        .client
        .post(&parcel.url)
        .header("Content-Type", "application/json; charset=utf-8")
        .header("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .header("Stripe-Signature", signature)
        .body(parcel.payload.clone())
        .send()
        .await
        .map_err(|e| e.to_string())?;
    Ok(answer.status().as_u16())
}
