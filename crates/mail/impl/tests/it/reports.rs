//! What a provider tells of mails that it took.

use actix_web::test::TestRequest;
use mail_api::{MailId, MailNews, MailReport};

use crate::world::{NOTHING, World, notice, ran};

fn bounced(mail: Option<MailId>, provider_id: &str, for_good: bool) -> MailReport {
    let reason = "Permanent: <Ada@example.com> is nobody".to_owned();
    MailReport { mail, provider_id: provider_id.to_owned(), news: MailNews::Bounced { for_good, reason } }
}

#[tokio::test]
async fn an_address_that_takes_no_mail_gets_none_until_an_operator_says_so() {
    let world = World::new().await;
    world.leave(notice("changed:1")).await;
    world.work().await;
    world.told(bounced(None, "fake-1", true)).await.expect("it is noted");
    assert_eq!(world.mails().await, ["bounced 1 erased Permanent: … is nobody"]);
    assert_eq!(world.db.query("select address || ' ' || cause from mail_suppressions").await, ["ada@example.com bounced"]);
    world.leave(notice("changed:2")).await;
    assert_eq!(world.work().await, [ran(None)]);
    assert_eq!(world.mails().await[1], "suppressed 1 erased");
    assert_eq!(world.transport.taken().len(), 1, "nothing more was sent there");
    let system = world.db.system_uow();
    assert!(mail::allow(&system, "ADA@example.com").await.expect("it is lifted"));
    assert!(!mail::allow(&system, "ada@example.com").await.expect("it was"));
    world.leave(notice("changed:3")).await;
    assert_eq!(world.work().await, [ran(None)]);
    assert_eq!(world.transport.taken().len(), 2);
}

#[tokio::test]
async fn what_comes_back_once_is_noted_and_no_more() {
    let world = World::new().await;
    world.leave(notice("changed:1")).await;
    world.work().await;
    world.told(bounced(None, "fake-1", false)).await.expect("it is noted");
    world.told(bounced(None, "somebody else's", true)).await.expect("it is taken");
    world.told(bounced(Some(MailId::new()), "fake-1", true)).await.expect("it is taken");
    assert_eq!(world.mails().await, ["bounced 1 erased Permanent: … is nobody"]);
    assert_eq!(world.db.query("select count(*) from mail_suppressions").await, ["0"]);
}

#[tokio::test]
async fn a_report_that_comes_before_our_own_note_counts() {
    let world = World::new().await;
    let id = world.leave(notice("changed:1")).await;
    let report = MailReport { mail: Some(id), provider_id: "never noted".to_owned(), news: MailNews::Complained };
    world.told(report).await.expect("it is noted");
    assert_eq!(world.mails().await, ["complained 0 erased"]);
    assert_eq!(world.work().await, [ran(None)]);
    assert!(world.transport.taken().is_empty(), "it left before: not again");
    assert_eq!(world.work_ahead().await, NOTHING);
    assert_eq!(world.db.query("select cause from mail_suppressions").await, ["complained"]);
}

#[actix_web::test]
async fn a_report_is_the_providers_or_a_bad_signature() {
    let world = World::new().await;
    let post = || TestRequest::post().uri("/api/webhooks/resend").set_payload("{}");
    let taken = world.ask(post().insert_header(("svix-signature", "the word"))).await;
    assert_eq!((taken.status, taken.body.as_str()), (200, r#"{"received":true}"#));
    for request in [post(), post().insert_header(("svix-signature", "another word"))] {
        let refused = world.ask(request).await;
        assert!(refused.status == 400 && refused.body.contains("BAD_SIGNATURE"), "{} {}", refused.status, refused.body);
    }
}

#[actix_web::test]
async fn a_server_without_a_secret_takes_no_reports() {
    let world = World::of(false).await;
    let answer = world.ask(TestRequest::post().uri("/api/webhooks/resend").set_payload("{}")).await;
    assert!(answer.status == 404 && answer.body.contains("NOT_FOUND"), "{} {}", answer.status, answer.body);
}
