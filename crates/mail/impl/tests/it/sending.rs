//! From a transaction to the transport.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::Fault;
use mail::MailSecret;
use mail_api::{Mail, Mails, Recipient, Refusal};

use crate::world::{NOTHING, World, notice, ran, reset};

#[tokio::test]
async fn of_one_event_one_mail_goes_out_after_the_commit() {
    let world = World::new().await;
    let (first, again) = (world.leave(reset("reset:1")).await, world.leave(reset("reset:1")).await);
    assert_eq!(first, again, "of one event there is one mail");
    assert!(world.transport.taken().is_empty(), "nothing leaves before the job runs");
    assert_eq!(world.work().await, [ran(None)]);
    let taken = world.transport.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].message_id.as_str(), format!("{first}@app.build14.example"));
    assert_eq!((taken[0].to.address.as_str(), taken[0].to.name.as_deref()), ("Ada@example.com", Some("Ada")));
    assert_eq!(taken[0].subject, "Setzen Sie Ihr Passwort neu");
    assert!(taken[0].text.contains("https://app.build14.example/reset-password#token=t0ken\n"), "{}", taken[0].text);
    assert_eq!(world.mails().await, ["sent 1 erased"]);
    assert_eq!(world.db.query("select provider_id from mails").await, ["fake-1"]);
    assert_eq!(world.leave(reset("reset:1")).await, first, "nor is there another one later");
    assert_eq!(world.work().await, NOTHING);
    world.leave(reset("reset:2")).await;
    assert_eq!(world.work().await, [ran(None)], "another event has its own");
}

#[tokio::test]
async fn whoever_has_chosen_a_language_is_written_to_in_it() {
    let world = World::new().await;
    let to = |address: &str, key: &str| Mail { to: Recipient::at(address), ..notice(key) };
    for address in ["deutsch@example.com", "ada@example.com"] {
        world.leave(to(address, address)).await;
    }
    assert_eq!(world.work().await, [ran(None), ran(None)]);
    let mut subjects: Vec<_> = world.transport.taken().into_iter().map(|mail| (mail.to.address, mail.subject)).collect();
    subjects.sort();
    let expected = [("ada@example.com", "Your password was changed"), ("deutsch@example.com", "Ihr Passwort wurde geändert")];
    assert_eq!(subjects, expected.map(|(address, subject)| (address.to_owned(), subject.to_owned())));
}

#[tokio::test]
async fn what_was_rolled_back_is_never_sent() {
    let world = World::new().await;
    let service = &world.service;
    let lost: Result<(), Fault> = world
        .db
        .uow()
        .write(&world.ctx, async |tx| {
            service.send_in(tx, reset("reset:1")).await?;
            Err(Fault::internal("changed our mind"))
        })
        .await;
    assert!(lost.is_err());
    assert_eq!(world.work().await, NOTHING);
    assert_eq!(world.mails().await, [""; 0]);
    let kept: Result<_, Fault> = world.db.system_uow().write(async |tx| service.send_in(tx, reset("reset:1")).await).await;
    assert!(kept.is_ok(), "the platform leaves mail behind as tenants do");
    assert_eq!(world.work().await, [ran(None)]);
}

#[tokio::test]
async fn the_database_reads_no_link_and_no_name() {
    let world = World::new().await;
    world.leave(reset("reset:secret")).await;
    let row = world.db.query("select mails::text || ' ' || encode(content, 'escape') from mails").await;
    for secret in ["t0ken", "reset-password#", "secret", "\"Ada\""] {
        assert!(!row[0].contains(secret), "{secret}: {}", row[0]);
    }
    assert_eq!(world.mails().await, ["queued 0 sealed"]);
}

#[tokio::test]
async fn what_is_refused_for_now_is_tried_again_as_the_same_mail() {
    let world = World::new().await;
    let id = world.leave(reset("reset:1")).await;
    world.transport.refuse([Refusal::temporary("451 <ada@example.com> try\r\nlater"), Refusal::temporary("no route")]);
    assert_eq!(world.work().await, [ran(Some("451 … try later"))], "addresses stay out of the queue and the log");
    assert_eq!(world.work().await, NOTHING, "not at once");
    assert_eq!(world.mails().await, ["queued 1 sealed 451 … try later"]);
    let message_id = world.db.query("select message_id from mails").await;
    assert_eq!(world.work_ahead().await, [ran(Some("no route"))]);
    assert_eq!(world.work_ahead().await, [ran(None)]);
    assert_eq!(world.mails().await, ["sent 3 erased"]);
    assert_eq!(world.db.query("select message_id from mails").await, message_id);
    assert_eq!(world.transport.taken()[0].message_id.as_str(), format!("{id}@app.build14.example"));
    assert_eq!(world.alarms().await, [""; 0]);
}

#[tokio::test]
async fn a_server_that_says_when_is_asked_then() {
    let world = World::new().await;
    world.leave(reset("reset:1")).await;
    let wait = Some(Duration::from_secs(120));
    world.transport.refuse([Refusal::Temporary { reason: "429 slowly".to_owned(), retry_after: wait }]);
    assert_eq!(world.work().await, [ran(None)], "the job is done: another one is planned");
    let planned = "select count(*) from graphile_worker._private_jobs where run_at between now() + interval '110 s' and now() + interval '130 s'";
    assert_eq!(world.db.query(planned).await, ["1"]);
    assert_eq!(world.work_ahead().await, [ran(None)]);
    assert_eq!(world.mails().await, ["sent 2 erased"]);
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    let world = World::new().await;
    world.leave(reset("reset:1")).await;
    world.transport.refuse([Refusal::permanent("550 no such user")]);
    assert_eq!(world.work().await, [ran(None)]);
    assert_eq!(world.work_ahead().await, NOTHING);
    assert_eq!(world.mails().await, ["refused 1 erased 550 no such user"]);
    assert_eq!(world.alarms().await, [""; 0], "somebody mistyped an address: no operator can help");
}

#[tokio::test]
async fn an_address_that_nobody_has_gets_no_mail_any_more() {
    let world = World::new().await;
    world.leave(reset("reset:1")).await;
    world.transport.refuse([Refusal::no_mailbox("550 5.1.1 <ada@example.com>: no such user")]);
    assert_eq!(world.work().await, [ran(None)]);
    assert_eq!(world.mails().await, ["bounced 1 erased 550 5.1.1 … no such user"]);
    assert_eq!(world.db.query("select address || ' ' || cause from mail_suppressions").await, ["ada@example.com bounced"]);
    world.leave(reset("reset:2")).await;
    assert_eq!(world.work().await, [ran(None)]);
    assert_eq!(world.mails().await[1], "suppressed 1 erased");
    assert!(world.transport.taken().is_empty() && world.alarms().await.is_empty());
}

#[tokio::test]
async fn what_takes_nothing_from_us_wakes_a_person_until_it_does() {
    let world = World::new().await;
    world.leave(reset("reset:1")).await;
    world.transport.refuse([Refusal::ours("535 who are you"), Refusal::ours("535 who are you")]);
    assert_eq!(world.work().await, [ran(Some("535 who are you"))]);
    assert_eq!(world.work_ahead().await, [ran(Some("535 who are you"))]);
    assert_eq!(world.alarms().await, ["mail_transport_refuses mail_transport"]);
    assert_eq!(world.work_ahead().await, [ran(None)]);
    assert_eq!(world.alarms().await, [""; 0], "it is over by itself");
    assert_eq!(world.mails().await, ["sent 3 erased"]);
}

#[tokio::test]
async fn a_link_that_counts_no_more_is_not_sent() {
    let world = World::new().await;
    world.leave(reset("reset:1")).await;
    world.clock.advance(TimeDelta::minutes(62));
    assert_eq!(world.work().await, [ran(None)]);
    assert!(world.transport.taken().is_empty());
    assert_eq!(world.mails().await, ["refused 1 erased what it tells counts no more"]);
}

#[tokio::test]
async fn after_three_days_a_mail_is_given_up_and_a_person_told() {
    let world = World::new().await;
    world.leave(notice("changed:1")).await;
    world.clock.advance(TimeDelta::days(4));
    world.transport.refuse([Refusal::temporary("no route")]);
    assert_eq!(world.work().await, [ran(None)]);
    assert_eq!(world.mails().await, ["refused 1 erased no route"]);
    assert_eq!(world.alarms().await, ["mail_given_up mail_transport"]);
}

#[tokio::test]
async fn what_others_wrote_into_the_database_is_not_sent() {
    let world = World::new().await;
    world.leave(notice("changed:1")).await;
    world.db.run_sql("update mails set content = decode(repeat('ab', 60), 'hex')").await;
    assert_eq!(world.work().await, [ran(None)]);
    assert!(world.transport.taken().is_empty());
    assert_eq!(world.mails().await, ["refused 1 erased it cannot be read"]);
    assert_eq!(world.alarms().await, ["mail_unreadable mail"]);
}

#[tokio::test]
async fn old_mails_are_forgotten_and_those_that_wait_are_found() {
    let world = World::new().await;
    let insert = |state: &str, content: &str, age: &str| {
        format!(
            "insert into mails (id, key_digest, address, template, language, content, state, created_at, updated_at)
             values (gen_random_uuid(), sha256(gen_random_uuid()::text::bytea), 'ada@example.com', 'test', 'en', {content}, '{state}',
                 now() - interval '{age}', now())"
        )
    };
    world.db.run_sql(&insert("sent", "null", "91 days")).await;
    world.db.run_sql(&insert("sent", "null", "89 days")).await;
    world.db.run_sql(&insert("queued", "decode(repeat('ab', 60), 'hex')", "25 hours")).await;
    assert_eq!(jobs::run_sweep(&world.registry, "mail.prune").await, Ok(true));
    assert_eq!(world.mails().await, ["sent 0 erased", "queued 0 sealed"]);
    let found = (mail::MODULE.doctor)(&world.db.system_uow()).await.expect("it looks");
    assert_eq!(found.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["MAIL_STUCK"]);
    assert!(found[0].detail.starts_with("a mail from the template test waits since "), "{}", found[0].detail);
}

#[tokio::test]
async fn an_event_of_before_a_rotation_of_the_key_is_known() {
    let world = World::new().await;
    let first = world.leave(reset("reset:1")).await;
    let rotated = world.with_secret(MailSecret::derived(b"another").with_previous(b"of this test"));
    let again: Result<_, Fault> = world.db.uow().write(&world.ctx, async |tx| rotated.send_in(tx, reset("reset:1")).await).await;
    assert_eq!(again.expect("it is left"), first);
}
