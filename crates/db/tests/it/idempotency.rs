//! An idempotency key rides in the transaction of its effect.

use std::sync::Arc;

use kernel::{Actor, Answer, Ctx, Fault, FaultKind, IdempotencyKey, Once, SupportSessionId};

use crate::scenery::{ctx, database, ids, note};

fn once(key: &str, fingerprint: u8) -> Arc<Once> {
    let key = IdempotencyKey { key: key.to_owned(), fingerprint: [fingerprint; 32] };
    Arc::new(Once::new(key, |id: &i32| Answer {
        status: 201,
        headers: vec![("location".to_owned(), format!("/notes/{id}"))],
        body: format!("{{\"id\":{id}}}").into_bytes(),
    }))
}

fn with(ctx: &Ctx, key: &str, fingerprint: u8) -> Ctx {
    ctx.clone().with_once(once(key, fingerprint))
}

#[tokio::test]
async fn a_repeated_key_gets_the_stored_answer_and_no_second_effect() {
    let db = database().await;
    let (uow, ctx) = (db.uow(), ctx());
    let first = with(&ctx, "k1", 1);
    let verb = async |ctx: &Ctx, id: i32| {
        uow.write(ctx, async |tx| {
            note(tx, id).await?;
            Ok::<_, Fault>(id)
        })
        .await
    };
    assert_eq!(verb(&first, 1).await.expect("commits"), 1);
    let stored = first.once.as_ref().and_then(|once| once.answer()).expect("stored with the effect");
    let fault = verb(&with(&ctx, "k1", 1), 2).await.expect_err("replayed");
    assert_eq!(*fault.kind(), FaultKind::Replayed(stored));
    let fault = verb(&with(&ctx, "k1", 2), 3).await.expect_err("another request");
    assert_eq!(*fault.kind(), FaultKind::KeyReused);
    assert_eq!(uow.read(&ctx, async |tx| ids(tx).await).await.expect("reads"), [1]);
    // The key belongs to one organisation and person.
    verb(&with(&crate::scenery::ctx(), "k1", 2), 4).await.expect("somebody else's key of the same name");
}

#[tokio::test]
async fn support_claims_no_key() {
    let db = database().await;
    let (uow, ctx) = (db.uow(), ctx());
    let support = Ctx { actor: Actor::Support(SupportSessionId::new()), ..with(&ctx, "k1", 1) };
    let refused = uow.refuse_repetition(&support).await.expect_err("it only reads");
    assert!(refused.to_string().contains("only reads"), "{refused}");
    uow.refuse_repetition(&with(&ctx, "k1", 1)).await.expect("the key is free");
}

#[tokio::test]
async fn a_failed_verb_leaves_its_key_free() {
    let db = database().await;
    let (uow, ctx) = (db.uow(), ctx());
    uow.write(&with(&ctx, "k1", 1), async |_| Err::<i32, _>(Fault::internal("no"))).await.expect_err("fails");
    uow.write(&with(&ctx, "k1", 1), async |_| Ok::<i32, Fault>(1)).await.expect("may be tried again");
}

#[tokio::test]
async fn concurrent_twins_have_one_effect() {
    let db = database().await;
    let ctx = ctx();
    let uow = db.uow_with(|settings| settings.size = 8).await;
    let twins = (0..8).map(|_| {
        let (uow, ctx) = (uow.clone(), with(&ctx, "k1", 1));
        async move {
            uow.write(&ctx, async |tx| {
                note(tx, 1).await?;
                Ok::<_, Fault>(1)
            })
            .await
        }
    });
    let outcomes = futures::future::join_all(twins).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for fault in outcomes.into_iter().filter_map(Result::err) {
        assert!(matches!(fault.kind(), FaultKind::Replayed(answer) if answer.body == b"{\"id\":1}"), "{fault}");
    }
}

#[tokio::test]
async fn a_verb_of_two_transactions_is_in_flight_between_them() {
    let db = database().await;
    let (uow, ctx) = (db.uow(), ctx());
    let verb = with(&ctx, "k1", 1);
    uow.write(&verb, async |tx| note(tx, 1).await).await.expect("the intent: its result is not what is rendered");
    let fault = uow.write(&with(&ctx, "k1", 1), async |_| Ok::<i32, Fault>(9)).await.expect_err("still running");
    assert_eq!(*fault.kind(), FaultKind::InFlight);
    uow.write(&verb, async |_| Ok::<i32, Fault>(1)).await.expect("the result");
    let fault = uow.write(&with(&ctx, "k1", 1), async |_| Ok::<i32, Fault>(9)).await.expect_err("answered");
    assert!(matches!(fault.kind(), FaultKind::Replayed(answer) if answer.body == b"{\"id\":1}"));
}

#[tokio::test]
async fn keys_live_for_a_day_and_cut_off_verbs_can_be_taken_over() {
    let db = database().await;
    let (uow, ctx) = (db.uow(), ctx());
    uow.write(&with(&ctx, "old", 1), async |_| Ok::<i32, Fault>(1)).await.expect("commits");
    uow.write(&with(&ctx, "cut", 1), async |tx| note(tx, 1).await).await.expect("the intent");
    db.run_sql("update idempotency_keys set claimed_at = now() - interval '25 hours' where key = 'old'").await;
    db.run_sql("update idempotency_keys set claimed_at = now() - interval '61 seconds' where key = 'cut'").await;
    uow.write(&with(&ctx, "old", 2), async |_| Ok::<i32, Fault>(2)).await.expect("the key is free again");
    uow.write(&with(&ctx, "cut", 1), async |_| Ok::<i32, Fault>(1)).await.expect("taken over");
}
