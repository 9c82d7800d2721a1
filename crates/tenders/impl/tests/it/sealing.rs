//! Sealed means sealed: looked at with plain SQL as the serving role, and in the bytes that are stored.

use kernel::{PageRequest, TenderId};
use tenders::SealKey;
use tenders_api::*;

use crate::world::{World, code};

const NONE: [&str; 0] = [];

#[tokio::test]
async fn the_owner_sees_no_bid_and_no_count_before_the_opening() {
    let w = World::new().await;
    let tender = w.published().await;
    let before = w.service.get(&w.owner.ctx(), tender).await.unwrap().tender;
    let bid = w.bid(&w.acme, tender, "10").await;
    w.bid(&w.stone, tender, "11").await;
    let looks = async |stage: &str| {
        for table in ["bids", "bid_revisions", "bid_lines", "opening_records", "awards"] {
            let seen = w.sql(w.owner.org, &format!("select count(*) from {table}")).await.unwrap();
            assert_eq!(seen, ["0"], "{stage}: {table}");
        }
        let secret = w.sql(w.owner.org, "select submitted from tender_seal_secrets").await;
        assert_eq!(secret.unwrap_err(), "permission denied for table tender_seal_secrets", "{stage}");
        let outbox = w.sql(w.owner.org, "select kind from outbox").await;
        assert_eq!(outbox.unwrap_err(), "permission denied for table outbox", "{stage}");
        let list = w.service.list_bids(&w.owner.ctx(), tender, PageRequest::first(20)).await.unwrap();
        assert_eq!((list.page.items.len(), list.page.next, list.sealed), (0, None, true), "{stage}");
        assert_eq!(code(w.service.get_bid(&w.owner.ctx(), bid.id).await), "NOT_FOUND", "{stage}");
        assert_eq!(code(w.service.opening_record(&w.owner.ctx(), tender).await), "NOT_FOUND", "{stage}");
    };
    looks("before the deadline").await;
    assert_eq!(
        w.service.get(&w.owner.ctx(), tender).await.unwrap().tender,
        before,
        "bidding changes nothing that the owner can see"
    );
    w.after_deadline().await;
    assert_eq!(w.service.get(&w.owner.ctx(), tender).await.unwrap().tender.status, TenderStatus::Closed);
    looks("closed").await;
    assert_eq!(
        w.sql(w.owner.org, "select cardinality(leaves) from tender_seals").await.unwrap(),
        ["64"],
        "decoys hide the number"
    );
    assert_eq!(w.audit.actions(w.owner.org), ["tenders.edit", "tenders.publish", "tenders.close"]);
    let closing = w.audit.entries.lock().unwrap().iter().find(|(_, entry)| entry.action == "tenders.close").unwrap().1.clone();
    let members: Vec<_> = closing.after.unwrap().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["sealRoot", "status"]);
}

#[tokio::test]
async fn neither_errors_nor_keys_tell_the_owner_about_a_bid() {
    let w = World::new().await;
    let tender = w.published().await;
    let bid = w.bid(&w.acme, tender, "10").await;
    let org = w.owner.org;
    // The same answer whether the bid is there or not.
    for id in [bid.id.0, uuid::Uuid::now_v7()] {
        assert_eq!(w.sql(org, &format!("update bids set updated_at = now() where id = '{id}' returning 1")).await.unwrap(), NONE);
        assert_eq!(w.sql(org, &format!("select 1 from bids where id = '{id}' for update")).await.unwrap(), NONE);
        let line = format!("insert into bid_lines values ('{org}', '{id}', gen_random_uuid(), '{}', 1, 1, 1)", w.acme.org);
        assert_eq!(w.sql(org, &line).await.unwrap_err(), "permission denied for table bid_lines");
        let insert = format!(
            "insert into bids (org_id, id, tender_id, bidder_org_id, status, revision, receipt_sha256, received_at, currency)
             values ('{org}', '{id}', '{tender}', '{}', 'submitted', 1, sha256(''), now(), 'EUR')",
            w.acme.org
        );
        assert_eq!(w.sql(org, &insert).await.unwrap_err(), "new row violates row-level security policy for table \"bids\"");
    }
    assert_eq!(w.sql(org, &format!("delete from tenders where id = '{tender}' returning 1")).await.unwrap(), NONE);
    // The same for a tender without a bid.
    let hidden = w.sql(org, "delete from bids returning 1").await.unwrap_err();
    assert_eq!(hidden, "permission denied for table bids");
}

#[tokio::test]
async fn what_belongs_to_a_tender_is_written_while_it_is_a_draft() {
    let w = World::new().await;
    let tender = w.published().await;
    let org = w.owner.org;
    for statement in [
        "insert into tender_lines (org_id, tender_id, soq_line_id, position, code, description, kind)
         select org_id, id, gen_random_uuid(), 99, 'x', 'x', 'measured' from tenders",
        "insert into tender_milestones (org_id, tender_id, position, title, percent) select org_id, id, 99, 'x', 1 from tenders",
        "delete from tender_milestones",
    ] {
        assert_eq!(w.sql(org, statement).await.unwrap_err(), format!("tender {tender} is no draft"), "{statement}");
    }
    w.db.run_sql("set session_replication_role = replica; delete from tender_keys").await;
    let key = "insert into tender_keys (org_id, tender_id, key_id, wrapped) select org_id, id, 'x', 'x' from tenders";
    assert_eq!(w.sql(org, key).await.unwrap_err(), format!("tender {tender} is no draft"));
}

#[tokio::test]
async fn a_revision_is_of_the_bidders_own_bid() {
    let w = World::new().await;
    let tender = w.published().await;
    let theirs = w.bid(&w.acme, tender, "10").await;
    // The same answer whether the bid is there or not.
    for bid in [theirs.id.0, uuid::Uuid::now_v7()] {
        let revision = format!(
            "insert into bid_revisions (org_id, bid_id, revision, tender_id, bidder_org_id, sealed)
             values ('{}', '{bid}', 2, '{tender}', '{}', '')",
            w.owner.org, w.stone.org
        );
        assert_eq!(w.sql(w.stone.org, &revision).await.unwrap_err(), "a revision is of a bid of its bidder");
    }
}

#[tokio::test]
async fn who_reads_the_record_of_an_opening_is_told_to_nobody() {
    let w = World::new().await;
    let tender = w.published().await;
    w.bid(&w.acme, tender, "10").await;
    let withdrawn = w.bid(&w.stone, tender, "11").await;
    w.service.withdraw(&w.stone.ctx(), withdrawn.id, None).await.unwrap();
    w.after_deadline().await;
    w.service.open(&w.owner.ctx(), tender).await.unwrap();
    for org in [w.owner.org, w.acme.org, w.stone.org] {
        assert_eq!(w.sql(org, "select submitted from opening_records").await.unwrap(), ["1"]);
        for columns in ["readers", "*", "o"] {
            let said = w.sql(org, &format!("select {columns} from opening_records o")).await.unwrap_err();
            assert_eq!(said, "permission denied for table opening_records", "{columns}");
        }
    }
    let stranger = kernel::OrgId::new();
    assert_eq!(w.sql(stranger, "select submitted from opening_records").await.unwrap(), NONE);
}

#[tokio::test]
async fn a_bidder_sees_nothing_of_another() {
    let w = World::new().await;
    let tender = w.published().await;
    w.bid(&w.acme, tender, "10").await;
    let own = w.bid(&w.stone, tender, "11").await;
    let ids = "select id from bids union all select bid_id from bid_revisions";
    assert_eq!(w.sql(w.stone.org, ids).await.unwrap(), [own.id.to_string(), own.id.to_string()]);
    w.after_deadline().await;
    w.service.open(&w.owner.ctx(), tender).await.unwrap();
    assert_eq!(w.sql(w.stone.org, "select distinct bid_id from bid_lines").await.unwrap(), [own.id.to_string()]);
    assert_eq!(w.service.list_bids(&w.stone.ctx(), tender, PageRequest::first(20)).await.unwrap().page.items.len(), 1);
}

#[tokio::test]
async fn what_is_stored_before_the_opening_contains_no_rate() {
    let w = World::new().await;
    let tender = w.published().await;
    let bid = w.bid(&w.acme, tender, "4321.1234").await;
    assert!(bid.document.unwrap().contains("4321.1234"));
    let columns =
        w.db.query(
            "select row_to_json(b)::text from bids b
             union all select encode(sealed, 'escape') from bid_revisions
             union all select payload::text from outbox
             union all select payload::text from graphile_worker._private_jobs
             union all select row_to_json(i)::text from idempotency_keys i",
        )
        .await;
    assert!(columns.len() >= 4);
    for column in &columns {
        assert!(!column.contains("4321") && !column.contains("432462"), "{column}");
    }
    let audit = format!("{:?}", w.audit.entries.lock().unwrap());
    assert!(!audit.contains("4321") && !audit.contains("432462"));
}

#[tokio::test]
async fn the_serving_role_cannot_open_close_or_complete_by_itself() {
    let w = World::new().await;
    let tender = w.published().await;
    w.bid(&w.acme, tender, "10").await;
    let (owner, acme) = (w.owner.org, w.acme.org);
    let open = format!("select * from app.open_bids('{owner}', '{tender}', '{{}}')");
    assert_eq!(w.sql(owner, &open).await.unwrap_err(), "the bids of this tender cannot be opened", "published");
    assert_eq!(
        w.sql(owner, &format!("select app.close_tender('{owner}', '{tender}')")).await.unwrap(),
        ["null"],
        "before the deadline"
    );
    for (statement, refusal) in [
        ("status = 'closed'", "a tender does not go from published to closed here"),
        ("status = 'evaluation'", "a tender does not go from published to evaluation here"),
        ("status = 'draft'", "a tender does not go from published to draft here"),
        ("submission_deadline = now()", "the deadline only moves later, and only before it has passed"),
        ("min_bids = 2", "what a tender asks for does not change after publication"),
        ("opened_at = now()", "permission denied for table tenders"),
        ("org_id = gen_random_uuid()", "permission denied for table tenders"),
    ] {
        assert_eq!(
            w.sql(owner, &format!("update tenders set {statement} where id = '{tender}'")).await.unwrap_err(),
            refusal,
            "{statement}"
        );
    }
    assert_eq!(w.sql(acme, "update bids set opened_at = now()").await.unwrap_err(), "permission denied for table bids");
    let readable = "new row for relation \"bids\" violates check constraint \"bids_check\"";
    assert_eq!(w.sql(acme, "update bids set status = 'opened'").await.unwrap_err(), readable);
    w.after_deadline().await;
    assert_eq!(w.sql(owner, &open).await.unwrap_err(), "the bids of this tender cannot be opened", "not closed yet");
    assert_eq!(w.sql(acme, &format!("select app.close_tender('{owner}', '{tender}')")).await.unwrap(), ["null"], "not the owner");
    w.service.get(&w.owner.ctx(), tender).await.unwrap();
    assert_eq!(w.sql(acme, &open).await.unwrap_err(), "the bids of this tender cannot be opened", "not the owner");
    w.sql(owner, &format!("select app.destroy_tender_key('{owner}', '{tender}')")).await.unwrap();
    assert_eq!(w.db.query("select wrapped is null from tender_keys").await, ["f"], "only of a tender that ended");
    assert_eq!(
        w.sql(owner, &format!("select app.complete_tender('{owner}', '{tender}', gen_random_uuid())")).await.unwrap(),
        ["f"]
    );
}

#[tokio::test]
async fn the_record_names_those_who_opened_and_nobody_else() {
    let w = World::new().await;
    let tender = w.published().await;
    w.bid(&w.acme, tender, "10").await;
    w.after_deadline().await;
    let org = w.owner.org;
    w.sql(org, &format!("select app.close_tender('{org}', '{tender}')")).await.unwrap();
    let (owner, second, acme) = (w.owner.user, w.second.user, w.acme.user);
    let open = |persons: &str| {
        format!(
            "set local app.user_id = '{owner}'; select count(*) from app.open_bids('{org}', '{tender}', array[{persons}]::uuid[])"
        )
    };
    for forged in ["", &format!("'{second}'"), &format!("'{owner}', '{acme}'"), &format!("'{owner}', '{second}', '{second}'")] {
        let refused = w.sql(w.owner.org, &open(forged)).await.unwrap_err();
        assert_eq!(refused, "bids are opened by one or two of this organisation, in their own name", "{forged}");
    }
    assert_eq!(w.sql(w.owner.org, &open(&format!("'{second}', '{owner}'"))).await.unwrap(), ["1"]);
    assert_eq!(w.db.query("select opened_by from opening_records").await, [format!("{{{second},{owner}}}")]);
}

#[tokio::test]
async fn without_a_tenant_nothing_is_seen_and_parties_never_change() {
    let w = World::new().await;
    let tender = w.published().await;
    let bid = w.bid(&w.acme, tender, "10").await;
    let nobody = kernel::OrgId::new();
    assert_eq!(w.outside("select count(*) from tenders").await, ["0"], "not even an open tender");
    for table in ["tender_invitations", "bids", "bid_revisions", "bid_lines", "opening_records", "awards"] {
        assert_eq!(w.sql(nobody, &format!("select count(*) from {table}")).await.unwrap(), ["0"], "{table}");
    }
    let change = format!("update bids set bidder_org_id = '{nobody}' where id = '{}'", bid.id);
    assert_eq!(w.sql(w.acme.org, &change).await.unwrap_err(), "permission denied for table bids");
    let keep =
        w.db.query("select tgname from pg_trigger where tgname = 'keep' and tgrelid in ('bids'::regclass, 'awards'::regclass)")
            .await;
    assert_eq!(keep.len(), 2, "whoever writes");
}

#[tokio::test]
async fn a_tender_outlives_the_rotation_of_the_servers_key() {
    let w = World::new().await;
    let tender = w.published().await;
    w.bid(&w.acme, tender, "10").await;
    let lost = w.restarted(SealKey::new([8; 32]), Vec::new());
    assert_eq!(code(lost.submit(&w.stone.ctx(), tender, w.offer("11")).await), "INTERNAL");
    let rotated = w.restarted(SealKey::new([8; 32]), vec![SealKey::new([9; 32]), SealKey::new([7; 32])]);
    rotated.submit(&w.stone.ctx(), tender, w.offer("11")).await.unwrap();
    w.after_deadline().await;
    let step = rotated.open(&w.owner.ctx(), tender).await.unwrap();
    assert_eq!(step.tender.tender.status, TenderStatus::Evaluation);
}

/// The wrapped keys of tenders, as a backup holds them: `tender_id id wrapped`.
async fn backup(w: &World) -> Vec<(TenderId, String, String)> {
    let rows = w.db.query("select tender_id || ' ' || key_id || ' ' || encode(wrapped, 'hex') from tender_keys order by 1").await;
    let parts = rows.iter().map(|row| row.split(' ').map(str::to_owned).collect::<Vec<_>>());
    parts.map(|parts| (TenderId(parts[0].parse().unwrap()), parts[1].clone(), parts[2].clone())).collect()
}

#[tokio::test]
async fn after_a_rotation_what_backups_hold_of_a_destroyed_key_opens_with_no_key_that_is_left() {
    let w = World::new().await;
    let (live, ended) = (w.published().await, w.published().await);
    w.bid(&w.acme, live, "10").await;
    w.bid(&w.acme, ended, "10").await;
    let taken = backup(&w).await;
    w.service.cancel(&w.owner.ctx(), ended, "No money".into()).await.unwrap();
    assert_eq!(w.db.query(&format!("select wrapped is null from tender_keys where tender_id = '{ended}'")).await, ["t"]);

    // Until then whoever has a backup and the server's key reads it: the documentation says so.
    let restore = |(tender, id, wrapped): &(TenderId, String, String)| {
        format!(
            "update tender_keys set destroyed_at = null, key_id = '{id}', wrapped = '\\x{wrapped}' where tender_id = '{tender}'"
        )
    };
    let key = || SealKey::new([8; 32]);
    let ada = kernel::Decision { operator: "Ada".parse().unwrap(), reason: None };
    let rotated =
        tenders::rotate(&w.db.system_uow(), &*w.audit, &key().with_previous(SealKey::new([7; 32])), &ada).await.unwrap();
    assert_eq!(rotated, tenders::Rotation { rewrapped: 1, unreadable: 0 });
    let again = tenders::rotate(&w.db.system_uow(), &*w.audit, &key().with_previous(SealKey::new([7; 32])), &ada).await.unwrap();
    assert_eq!(again, tenders::Rotation::default(), "it bears repetition");
    let wrappings = tenders::wrappings(&w.db.system_uow()).await.unwrap();
    assert_eq!(wrappings.iter().map(|by| (by.key_id.as_str(), by.keys)).collect::<Vec<_>>(), [(key().id(), 1)]);
    let told = w.audit.after("tenders.rewrap_key");
    assert_eq!(told, [serde_json::json!({ "keyId": key().id(), "operator": "Ada", "reason": null })]);

    // The old key is destroyed: it is configured nowhere any more.
    let after = w.restarted(key(), Vec::new());
    let bid = after.list_bids(&w.acme.ctx(), live, PageRequest::first(1)).await.unwrap().page.items.remove(0);
    assert!(bid.content.is_some(), "live tenders go on");
    for old in &taken {
        w.db.run_sql(&restore(old)).await;
        assert_eq!(
            code(after.list_bids(&w.acme.ctx(), old.0, PageRequest::first(1)).await),
            "INTERNAL",
            "restored, and of no use"
        );
    }
    let lost = tenders::rotate(&w.db.system_uow(), &*w.audit, &key(), &ada).await.unwrap();
    assert_eq!(lost, tenders::Rotation { rewrapped: 0, unreadable: 2 }, "told, and left alone");
}
