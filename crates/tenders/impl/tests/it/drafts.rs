//! Drafts, publication, extension, invitations, cancellation, repetition.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use kernel::{OrgId, PageRequest};
use projects_api::SoqStatus;
use secrecy::ExposeSecret;
use tenders::Settings;
use tenders_api::*;
use tokio_postgres::NoTls;

use crate::world::{World, code, faults};

#[tokio::test]
async fn a_draft_is_written_changed_and_deleted_until_it_is_published() {
    let w = World::new().await;
    let ctx = w.owner.ctx();
    let draft = w.service.create(&ctx, w.draft()).await.unwrap();
    assert_eq!(
        (draft.tender.status, draft.side, draft.lines.len(), draft.milestones.len()),
        (TenderStatus::Draft, Side::Owner, 0, 3)
    );
    let changed = Draft { title: "Renamed".into(), min_bids: 2, ..w.draft() };
    let now = w.service.replace(&ctx, draft.tender.id, Some(draft.tender.updated_at), changed.clone()).await.unwrap();
    assert_eq!((now.tender.title.as_str(), now.tender.min_bids), ("Renamed", 2));
    assert_eq!(
        code(w.service.replace(&ctx, draft.tender.id, Some(draft.tender.updated_at), changed).await),
        "PRECONDITION_FAILED"
    );
    assert_eq!(code(w.service.get(&w.acme.ctx(), draft.tender.id).await), "NOT_FOUND", "a draft is its owner's alone");
    w.service.delete(&ctx, draft.tender.id, Some(now.tender.updated_at)).await.unwrap();
    assert_eq!(code(w.service.get(&ctx, draft.tender.id).await), "NOT_FOUND");
    let published = w.published().await;
    assert_eq!(code(w.service.delete(&ctx, published, None).await), "STATE_CONFLICT");
    assert_eq!(code(w.service.replace(&ctx, published, None, w.draft()).await), "STATE_CONFLICT");
    assert_eq!(w.audit.actions(w.owner.org), ["tenders.edit", "tenders.edit", "tenders.edit", "tenders.edit", "tenders.publish"]);
}

#[tokio::test]
async fn all_faults_of_a_draft_come_at_once() {
    let w = World::new().await;
    let mut draft = Draft { title: " ".into(), submission_deadline: Utc::now() - TimeDelta::hours(1), min_bids: 0, ..w.draft() };
    draft.milestones.pop();
    assert_eq!(
        faults(w.service.create(&w.owner.ctx(), draft).await),
        ["/title REQUIRED", "/submissionDeadline IN_THE_PAST", "/minBids OUT_OF_RANGE", "/milestones PERCENT_SUM"]
    );
    let elsewhere = Draft { project: kernel::ProjectId::new(), ..w.draft() };
    assert_eq!(code(w.service.create(&w.owner.ctx(), elsewhere).await), "NOT_FOUND");
}

#[tokio::test]
async fn publication_tells_everything_that_is_missing() {
    let w = World::with(Settings {
        minimum_submission_period: Duration::from_secs(7200),
        standstill: Duration::ZERO,
        ..Settings::default()
    })
    .await;
    let ctx = w.owner.ctx();
    let soon = Draft { submission_deadline: Utc::now() + TimeDelta::hours(1), method: ProcurementMethod::Limited, ..w.draft() };
    let id = w.service.create(&ctx, soon).await.unwrap().tender.id;
    {
        let mut soqs = w.projects.soqs.lock().unwrap();
        soqs[0].status = SoqStatus::Draft;
        soqs[0].lines[1].unit_code = None;
    }
    let error = w.service.publish(&ctx, id).await.unwrap_err();
    assert!(matches!(&error, Error::NotReady(_)), "{error}");
    assert_eq!(
        faults(Err::<(), _>(error)),
        ["/soqId SOQ_NOT_FROZEN", "/soqId UNIT_MISSING", "/procurementMethod NO_INVITATION", "/submissionDeadline TOO_SOON"]
    );
}

#[tokio::test]
async fn the_snapshot_shows_bidders_no_estimate_but_provisional_sums() {
    let w = World::new().await;
    let id = w.published().await;
    let seen = w.service.get(&w.acme.ctx(), id).await.unwrap();
    assert_eq!((seen.side, seen.invited, seen.lines.len()), (Side::Bidder, false, 5));
    let fixed: Vec<_> = seen.lines.iter().map(|line| line.fixed_rate.map(|rate| rate.to_string())).collect();
    assert_eq!(fixed, [None, None, None, Some("250".to_owned()), None]);
    let stored =
        w.db.query("select row_to_json(t)::text from tender_lines t union all select row_to_json(t)::text from tenders t").await;
    assert!(stored.iter().all(|row| !row.contains("77.7") && !row.contains("8116")), "no estimate in {stored:?}");
    assert_eq!(
        w.sql(w.owner.org, "update tender_lines set description = 'other' returning 1").await.unwrap_err(),
        "permission denied for table tender_lines"
    );
}

#[tokio::test]
async fn a_limited_tender_is_seen_by_the_invited_alone() {
    let w = World::new().await;
    let ctx = w.owner.ctx();
    let id = w.service.create(&ctx, Draft { method: ProcurementMethod::Limited, ..w.draft() }).await.unwrap().tender.id;
    let early = w.service.invite(&ctx, id, Invitee::Organization(w.acme.org)).await.unwrap();
    assert_eq!(early.sent_at, None);
    assert_eq!(code(w.service.get(&w.acme.ctx(), id).await), "NOT_FOUND", "not before publication");
    assert_eq!(w.sql(w.acme.org, "select id from tender_invitations").await.unwrap(), [] as [&str; 0]);
    assert_eq!(code(w.service.invite(&ctx, id, Invitee::Organization(w.acme.org)).await), "ALREADY_INVITED");
    assert_eq!(
        faults(w.service.invite(&ctx, id, Invitee::Organization(OrgId::new())).await),
        ["/organizationId UNKNOWN_ORGANIZATION"]
    );
    assert_eq!(
        faults(w.service.invite(&ctx, id, Invitee::Organization(w.owner.org)).await),
        ["/organizationId OWN_ORGANIZATION"]
    );
    w.service.invite(&ctx, id, Invitee::Email("bids@stone.example".into())).await.unwrap();
    assert_eq!(code(w.service.invite(&ctx, id, Invitee::Email("Bids@Stone.example".into())).await), "ALREADY_INVITED");
    w.service.publish(&ctx, id).await.unwrap();
    assert!(w.service.get(&w.acme.ctx(), id).await.unwrap().invited);
    assert_eq!(code(w.service.get(&w.stone.ctx(), id).await), "NOT_FOUND");
    assert_eq!(code(w.service.submit(&w.stone.ctx(), id, w.offer("10")).await), "NOT_FOUND");
    w.bid(&w.acme, id, "10").await;
    assert_eq!(w.service.invitations(&ctx, id, PageRequest::first(20)).await.unwrap().items.len(), 2);
    assert_eq!(code(w.service.invitations(&w.acme.ctx(), id, PageRequest::first(20)).await), "NOT_FOUND");
    w.service.invite(&ctx, id, Invitee::Organization(w.stone.org)).await.unwrap();
    w.bid(&w.stone, id, "10").await;
}

#[tokio::test]
async fn a_deadline_moves_later_only_and_only_before_it_has_passed() {
    let w = World::new().await;
    let ctx = w.owner.ctx();
    let id = w.published().await;
    let old = w.service.get(&ctx, id).await.unwrap().tender.submission_deadline;
    assert_eq!(faults(w.service.extend(&ctx, id, old).await), ["/submissionDeadline NOT_LATER"]);
    let later = w.service.extend(&ctx, id, old + TimeDelta::hours(1)).await.unwrap();
    assert_eq!(later.tender.submission_deadline, old + TimeDelta::hours(1));
    let jobs = w.db.query("select run_at = (select submission_deadline from tenders) from graphile_worker._private_jobs").await;
    assert_eq!(jobs, ["t"], "one job, at the new deadline");
    w.bid(&w.acme, id, "10").await;
    w.after_deadline().await;
    assert_eq!(code(w.service.extend(&ctx, id, old + TimeDelta::days(9)).await), "TENDER_CLOSED");
}

#[tokio::test]
async fn too_few_bids_end_the_tender_sealed_and_it_can_be_repeated() {
    let w = World::new().await;
    let ctx = w.owner.ctx();
    let id = w.published_as(Draft { min_bids: 2, ..w.draft() }).await;
    w.service.invite(&ctx, id, Invitee::Organization(w.acme.org)).await.unwrap();
    w.service.invite(&ctx, id, Invitee::Email("bids@stone.example".into())).await.unwrap();
    let bid = w.bid(&w.acme, id, "10").await;
    w.after_deadline().await;
    let ended = w.service.get(&ctx, id).await.unwrap();
    assert_eq!(ended.tender.status, TenderStatus::Unsuccessful);
    assert_eq!(w.db.query("select wrapped is null from tender_keys").await, ["t"], "the key is destroyed");
    assert_eq!(code(w.service.open(&ctx, id).await), "STATE_CONFLICT");
    assert_eq!(w.sql(w.owner.org, "select id from bids").await.unwrap(), [] as [&str; 0]);
    let own = w.service.get_bid(&w.acme.ctx(), bid.id).await.unwrap();
    assert_eq!((own.status, own.content, own.receipt), (BidStatus::Submitted, None, bid.receipt));
    let new = Retender { submission_deadline: Utc::now() + TimeDelta::hours(9), questions_until: None };
    let again = w.service.retender(&ctx, id, new).await.unwrap();
    assert_eq!((again.tender.status, again.tender.related, again.milestones.len()), (TenderStatus::Draft, Some(id), 3));
    let invited = w.service.invitations(&ctx, again.tender.id, PageRequest::first(20)).await.unwrap().items;
    assert_eq!((invited.len(), invited[0].sent_at), (2, None), "the same bidders");
    assert_eq!(code(w.service.retender(&ctx, again.tender.id, new).await), "STATE_CONFLICT");
}

#[tokio::test]
async fn a_cancelled_tender_is_never_opened() {
    let w = World::new().await;
    let ctx = w.owner.ctx();
    let id = w.published().await;
    w.bid(&w.acme, id, "10").await;
    assert_eq!(faults(w.service.cancel(&ctx, id, " ".into()).await), ["/reason REQUIRED"]);
    let step = w.service.cancel(&ctx, id, "No demand".into()).await.unwrap();
    assert_eq!(
        (step.tender.tender.status, step.approval),
        (TenderStatus::Cancelled, None),
        "before closing one person is enough"
    );
    assert_eq!(w.db.query("select wrapped is null from tender_keys").await, ["t"]);
    assert_eq!(code(w.service.submit(&w.stone.ctx(), id, w.offer("10")).await), "STATE_CONFLICT");
    w.after_deadline().await;
    assert_eq!(code(w.service.open(&ctx, id).await), "STATE_CONFLICT");
    assert_eq!(code(w.service.cancel(&ctx, id, "again".into()).await), "STATE_CONFLICT");
}

#[tokio::test]
async fn lists_show_each_side_what_it_may_see() {
    let w = World::new().await;
    let open = w.published().await;
    let draft = w.service.create(&w.owner.ctx(), w.draft()).await.unwrap().tender.id;
    let ids = async |party: &testkit::Party, side, status| -> Vec<_> {
        let page = w.service.list(&party.ctx(), Filter { side, status }, PageRequest::first(20)).await.unwrap();
        page.items.into_iter().map(|view| view.tender.id).collect()
    };
    assert_eq!(ids(&w.owner, None, None).await, [draft, open]);
    assert_eq!(ids(&w.owner, Some(Side::Bidder), None).await, []);
    assert_eq!(ids(&w.acme, None, None).await, [open]);
    assert_eq!(ids(&w.acme, Some(Side::Owner), None).await, []);
    w.after_deadline().await;
    assert_eq!(ids(&w.acme, Some(Side::Bidder), Some(TenderStatus::Published)).await, [], "closed by looking at it");
    w.authorizer.forbidden.lock().unwrap().push(perm::BROWSE);
    let refused = w.service.list(&w.acme.ctx(), Filter { side: Some(Side::Bidder), status: None }, PageRequest::first(20)).await;
    assert_eq!(code(refused), "PERMISSION_DENIED");
}

#[tokio::test]
async fn a_project_that_was_never_tendered_takes_its_drafts_along() {
    let w = World::new().await;
    let draft = w.service.create(&w.owner.ctx(), w.draft()).await.unwrap().tender.id;
    let delete = format!("delete from projects where id = '{}' returning 1", w.soq.project);
    assert_eq!(w.sql(w.owner.org, &delete).await.unwrap(), ["1"]);
    assert_eq!(code(w.service.get(&w.owner.ctx(), draft).await), "NOT_FOUND");
}

#[tokio::test]
async fn a_unit_without_a_code_is_tendered_by_its_text() {
    let w = World::new().await;
    {
        let lines = &mut w.projects.soqs.lock().unwrap()[0].lines;
        (lines[1].unit_code, lines[1].unit_text) = (None, Some("Sack zu 25 kg".to_owned()));
    }
    w.published().await;
    assert_eq!(w.db.query("select unit_text from tender_lines where unit_text is not null").await, ["Sack zu 25 kg"]);
}

#[tokio::test]
async fn a_hundred_faults_of_a_schedule_are_told() {
    let w = World::with(Settings {
        minimum_submission_period: Duration::from_secs(7200),
        standstill: Duration::ZERO,
        ..Settings::default()
    })
    .await;
    let soon = Draft { submission_deadline: Utc::now() + TimeDelta::hours(1), ..w.draft() };
    let id = w.service.create(&w.owner.ctx(), soon).await.unwrap().tender.id;
    {
        let lines = &mut w.projects.soqs.lock().unwrap()[0].lines;
        lines[1].unit_code = None;
        lines.extend(vec![lines[1].clone(); 500]);
    }
    let faults = faults(w.service.publish(&w.owner.ctx(), id).await);
    assert_eq!((faults.len(), faults[0].as_str()), (100, "/soqId UNIT_MISSING"));
    assert_eq!(faults[99], "/submissionDeadline TOO_SOON");
}

#[tokio::test]
async fn publication_locks_the_project_before_the_tender() {
    let w = World::new().await;
    let id = w.service.create(&w.owner.ctx(), w.draft()).await.unwrap().tender.id;
    // A deletion of the project, which takes its drafts along.
    let (client, connection) = tokio_postgres::connect(w.db.superuser_url().await.expose_secret(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("begin; select from projects for no key update").await.unwrap();
    let deletion = async {
        testkit::until("publication waits for the project", async || {
            let waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
            (w.db.query(waiting).await.len() == 1).then_some(())
        })
        .await;
        client.batch_execute("delete from projects; commit").await.unwrap();
    };
    let ctx = w.owner.ctx();
    let (published, ()) = tokio::join!(w.service.publish(&ctx, id), deletion);
    assert_eq!(code(published), "NOT_FOUND");
}
