//! What somebody could do who got statements of their own into a tenant's transaction, tried as the serving role: nothing to another tenant that
//! it has not taken part in itself, and nothing that counts its rows (docs/decisions/0029).

use secrecy::ExposeSecret;
use serde_json::json;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use crate::world::{Party, World};

/// An id that nothing has.
pub const NOBODY: &str = "00000000-0000-4000-8000-000000000001";

/// The serving role, with whatever statements.
pub struct Intruder(pub Client);

impl Intruder {
    pub async fn of(world: &World) -> Self {
        let (client, connection) =
            tokio_postgres::connect(world.db.app_url().await.expose_secret(), NoTls).await.expect("connects");
        tokio::spawn(connection);
        Self(client)
    }

    /// Runs statements in a party's transaction up to the commit, and takes them back; why they were refused.
    pub async fn tries(&self, party: &Party, sql: &str) -> Result<(), (SqlState, String)> {
        let all = format!("begin; select app.enter('{}', '{}'); {sql}; set constraints all immediate", party.org, party.user);
        let outcome = self.0.batch_execute(&all).await;
        self.0.batch_execute("rollback").await.expect("rolls back");
        outcome.map_err(|error| {
            let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error:?}"));
            (error.code().clone(), error.message().to_owned())
        })
    }

    pub async fn is_refused(&self, party: &Party, sql: &str) {
        let outcome = self.tries(party, sql).await;
        assert!(matches!(&outcome, Err((code, _)) if *code == SqlState::INSUFFICIENT_PRIVILEGE), "{sql}: {outcome:?}");
    }

    pub async fn is_refused_saying(&self, party: &Party, sql: &str, text: &str) {
        let outcome = self.tries(party, sql).await;
        assert!(matches!(&outcome, Err((_, said)) if said.contains(text)), "{sql}: {outcome:?}");
    }

    pub async fn passes(&self, party: &Party, sql: &str) {
        assert_eq!(self.tries(party, sql).await, Ok(()), "{sql}");
    }
}

/// The proof that the program vouches for a text, for a purpose, as only the platform can make it.
pub async fn proof(world: &World, what: &str, text: &str) -> String {
    let made = format!("select encode(app.ledger_proof('{what} ' || $text${text}$text$), 'hex')");
    format!("'\\x{}'", world.db.query(&made).await.remove(0))
}

/// A contract of the owner's in the eyes of the database, on whatever bid.
fn contract(owner: &Party, contractor: &Party, tender: &str, bid: &str, total: i64) -> String {
    let contract = json!({
        "org_id": owner.org, "id": NOBODY, "contractor_org_id": contractor.org, "project_id": NOBODY, "tender_id": tender, "bid_id": bid,
        "title": "Villa", "currency": "EUR", "total": total, "fee_bps": 0, "processing_cost_bearer": "owner", "processing_bps": 290,
        "processing_fixed": 30, "document": "{}", "document_sha256": "0".repeat(64),
    });
    json!({ "contract": contract, "lines": [], "milestones": [] }).to_string()
}

#[tokio::test]
async fn a_contract_is_made_only_with_whom_has_an_awarded_bid() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, acme, stranger) = (world.register("Owner").await, world.register("Acme").await, world.register("Stranger").await);
    let made = world.contract(&owner, &acme).await;
    let tender = world.db.query("select tender_id from contracts").await.remove(0);
    let amount: i64 = world.db.query("select total from contracts").await.remove(0).parse().expect("an amount");
    let intruder = Intruder::of(&world).await;
    let open = |new: &str, proof: &str| format!("select app.open_contract('{}', $text${new}$text$, {proof})", owner.org);
    for new in [
        contract(&owner, &stranger, NOBODY, NOBODY, 1_000),
        contract(&owner, &stranger, &tender, &made.bid, amount),
        contract(&owner, &acme, &tender, &made.bid, 1_000),
        contract(&owner, &acme, NOBODY, &made.bid, amount),
    ] {
        let sql = open(&new, &proof(&world, "contract", &new).await);
        intruder.is_refused_saying(&owner, &sql, "is not awarded as this contract says").await;
    }
    let very = contract(&owner, &acme, &tender, &made.bid, amount);
    // The very bid gets as far as the contract that it has; in another's name it gets nowhere.
    let sql = open(&very, &proof(&world, "contract", &very).await);
    intruder.is_refused_saying(&owner, &sql, "contracts_live_bid").await;
    intruder.is_refused_saying(&acme, &sql, "nobody vouches for this contract").await;
    // On terms of one's own: without the program's proof, with one for another purpose, or beside the door.
    for other in ["null".to_owned(), "sha256('x')".to_owned(), proof(&world, "offer", &very).await] {
        intruder.is_refused_saying(&owner, &open(&very, &other), "nobody vouches for this contract").await;
    }
    for table in ["contracts", "contract_lines", "milestones"] {
        let again = format!("insert into {table} select * from {table}");
        intruder.is_refused_saying(&owner, &again, &format!("permission denied for table {table}")).await;
    }

    let bid = format!("'{}'", made.bid);
    let (tender, total) = (format!("'{tender}'"), format!("(select total from bids where id = {bid})"));
    let award = |bidder: &Party, amount: &str| {
        format!(
            "insert into awards (org_id, id, tender_id, bid_id, bidder_org_id, status, amount, currency, standstill_until, awarded_by)
             values ('{}', gen_random_uuid(), {tender}, {bid}, '{}', 'pending', {amount}, 'EUR', now(), '{{}}')",
            owner.org, bidder.org
        )
    };
    intruder.is_refused_saying(&owner, &award(&acme, &total), "permission denied for table awards").await;
    let note = |bid: &str, person: &str| {
        format!(
            "select app.note_award('{}', gen_random_uuid(), {tender}, {bid}, null, now(), array['{person}']::uuid[])",
            owner.org
        )
    };
    // The very bid gets as far as the award that it has; another, or in others' names, gets nowhere.
    intruder.is_refused_saying(&owner, &note(&bid, &owner.user), "awards_one_live").await;
    intruder.is_refused(&owner, &note(&format!("'{NOBODY}'"), &owner.user)).await;
    intruder.is_refused(&owner, &note(&bid, &stranger.user)).await;
    let colleague = world.colleague(&owner, "admin").await;
    intruder.is_refused_saying(&owner, &note(&bid, &colleague.user), "in their own name").await;
    let nobody = note(&bid, &owner.user).replace(&format!("array['{}']::uuid[]", owner.user), "'{}'");
    intruder.is_refused_saying(&owner, &nobody, "in their own name").await;
    let over = note(&bid, &owner.user).replace("now()", "'-infinity'");
    intruder.is_refused_saying(&owner, &over, "a standstill does not end before it begins").await;
    intruder.is_refused(&acme, &note(&bid, &acme.user)).await;
    let past_the_policy = format!(
        "do $t$ begin {}; exception when others then perform set_config('test.said', sqlerrm, false); end $t$;
         select current_setting('test.said')",
        award(&stranger, &total)
            .replace(", awarded_by)", ", awarded_by, cancel_reason)")
            .replace("'pending'", "'cancelled'")
            .replace("'{}')", "'{}', 'x')")
    );
    let said = world.db.query(&past_the_policy).await.remove(0);
    assert!(said.contains("awards_bid_parties_fkey"), "{said}");
    world.end().await;
}

#[tokio::test]
async fn a_contract_binds_nobody_before_somebody_of_theirs_signed_it() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, acme, stranger) = (world.register("Owner").await, world.register("Acme").await, world.register("Stranger").await);
    let tender = world.tender(&owner).await;
    let bid = world.bid(&acme, &tender, "10.00").await;
    world.open(&owner, &tender).await;
    world.onboard(&acme).await;
    let award = serde_json::json!({"bidId": bid});
    let awarded = owner.http.post(&format!("/api/tenders/{}/award", tender.id), award).await.expect(200);
    let id = awarded.text("/contract/id");
    let intruder = Intruder::of(&world).await;
    let told = |account: &str| {
        format!("do $$ begin assert (select account {account} from app.payee_of_contract('{}', '{id}')); end $$", owner.org)
    };
    intruder.passes(&acme, &told("is not null")).await;
    intruder.is_refused_saying(&owner, &told("is not null"), "assertion failed").await;

    let forged = |party: &str| {
        format!(
            "insert into contract_signatures (org_id, contract_id, contractor_org_id, party, user_id, sha256)
             select org_id, id, contractor_org_id, '{party}', app.user_id(), document_sha256 from contracts where id = '{id}'"
        )
    };
    let sign = format!("select app.sign_contract('{}', '{id}', repeat('0', 64))", owner.org);
    let signs = |party: &str| {
        format!("{sign}; do $$ begin assert (select array_agg(party) from contract_signatures) = '{{{party}}}'; end $$")
    };
    let nobody = Party { user: stranger.user.clone(), ..owner.clone() };
    intruder.passes(&owner, &signs("owner")).await;
    intruder.passes(&acme, &signs("contractor")).await;
    for party in ["owner", "contractor"] {
        intruder.is_refused_saying(&owner, &forged(party), "permission denied for table contract_signatures").await;
    }
    for party in [&nobody, &stranger] {
        intruder.is_refused(party, &sign).await;
    }
    intruder
        .is_refused_saying(&owner, &format!("{sign}; update contracts set status = 'active'"), "does not bring a contract")
        .await;
    for event in ["escrow.contract_activated", "escrow.contract_ended"] {
        let forged = format!(
            "insert into outbox (id, org_id, kind, aggregate, payload, request_id) values (gen_random_uuid(), app.org(), '{event}', '{id}', '{{}}', 'x')"
        );
        intruder.is_refused(&acme, &forged).await;
    }
    world.end().await;
}

#[tokio::test]
async fn nobody_ends_a_contract_in_force_without_the_other_party() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    world.contract(&owner, &acme).await;
    let intruder = Intruder::of(&world).await;
    for status in ["terminated", "cancelled", "suspended", "signing", "closed"] {
        let sql = format!("update contracts set status = '{status}'");
        intruder.is_refused_saying(&owner, &sql, "does not bring a contract from active").await;
    }
    world.end().await;
}

#[tokio::test]
async fn another_partys_trail_tells_what_was_done_and_who_did_it() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, acme, stranger) = (world.register("Owner").await, world.register("Acme").await, world.register("Stranger").await);
    let made = world.contract(&owner, &acme).await;
    let intruder = Intruder::of(&world).await;
    let tell = |action: &str| {
        format!("select app.audit_other_party('{}', '{}', gen_random_uuid(), '{action}', 'r')", owner.org, made.id)
    };
    for action in [
        "contracts.propose_termination",
        "contracts.withdraw_termination",
        "contracts.terminate",
        "users.remove",
        "contracts.open",
    ] {
        for party in [&owner, &acme, &stranger] {
            intruder.is_refused(party, &tell(action)).await;
        }
    }
    let propose = |by: &str| {
        format!(
            "insert into contract_terminations (org_id, id, contract_id, contractor_org_id, party, proposed_by, reason)
             select org_id, gen_random_uuid(), id, contractor_org_id, 'owner', {by}, 'No money' from contracts"
        )
    };
    let told = format!("{}; {}", propose("app.user_id()"), tell("contracts.propose_termination"));
    intruder.passes(&owner, &told).await;
    intruder.is_refused(&owner, &format!("{told}; {}", tell("contracts.propose_termination"))).await;
    let nobody = Party { user: stranger.user.clone(), ..owner.clone() };
    intruder.is_refused(&nobody, &told).await;
    intruder
        .0
        .batch_execute(&format!("begin; select app.enter('{}', '{}'); {told}; commit", owner.org, owner.user))
        .await
        .expect("proposes");
    let entry = format!(
        "select action || ' ' || after::text from audit_entries where org_id = '{}' and actor_id = '{}'",
        acme.org, owner.user
    );
    assert_eq!(
        world.db.query(&entry).await,
        [r#"contracts.propose_termination {"reason": "No money", "status": "active", "proposedBy": "owner"}"#]
    );
    intruder.is_refused(&owner, &tell("contracts.propose_termination")).await;

    let fell = format!("select app.audit_for_bidder('{}', '{}', gen_random_uuid(), 'r')", owner.org, made.bid);
    intruder.is_refused(&owner, &fell).await;
    let reversed = |action: &str, text: &str| {
        format!(
            "select app.tell_contractor('{}', '{}', '{action}', 'release', gen_random_uuid(), 'r', '{{}}', '{text}')",
            owner.org, made.id
        )
    };
    let system = |sql: &str| format!("set local app.user_id = ''; {sql}");
    for (action, text) in [("escrow.reversal_settled", r#"{"operator": "Ada"}"#), ("escrow.release_sent", "{}")] {
        intruder.is_refused(&owner, &system(&reversed(action, text))).await;
    }
    let reason = "x".repeat(2_001);
    let cancel = format!("update awards set status = 'cancelled', cancel_reason = '{reason}'");
    intruder.is_refused_saying(&owner, &cancel, "awards_cancel_reason_length").await;
    world.end().await;
}

#[tokio::test]
async fn a_tenants_job_is_its_own_and_replaces_nobodys() {
    let mut world = World::new().await;
    world.leave_work();
    let (victim, intruding) = (world.register("Victim").await, world.register("Intruder").await);
    let intruder = Intruder::of(&world).await;
    let add = |envelope: &str, data: &str, at: &str| {
        format!(
            r#"select app.add_job('escrow.send_release', '{{"org": {envelope}, "request": "r", "data": {data}}}', {at}, 'key', 3)"#
        )
    };
    let (own, theirs) = (format!("\"{}\"", intruding.org), format!("\"{}\"", victim.org));
    for (envelope, data) in [
        (theirs.as_str(), "{}".to_owned()),
        ("null", "{}".to_owned()),
        (own.as_str(), format!(r#"{{"org": {theirs}}}"#)),
        ("null", format!(r#"{{"org": {theirs}}}"#)),
    ] {
        intruder.is_refused(&intruding, &add(envelope, &data, "null")).await;
    }
    // Nor in nobody's name.
    for sql in [add("null", "{}", "null"), "select app.raise_alarm('a_', 'b_', 'c', null, 'x')".to_owned()] {
        let outcome = intruder.0.batch_execute(&sql).await.expect_err(&sql);
        assert_eq!(outcome.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{sql}");
    }
    for (party, envelope, at) in [(&victim, &theirs, "now() + interval '1 hour'"), (&intruding, &own, "'2999-01-01'")] {
        let sql = add(envelope, &format!(r#"{{"org": {envelope}}}"#), at);
        intruder.0.batch_execute(&format!("begin; select app.enter('{}', null); {sql}; commit", party.org)).await.expect("adds");
    }
    // The platform's, for the victim, is the victim's.
    let system = add("null", &format!(r#"{{"org": {theirs}}}"#), "now() + interval '2 hours'");
    world.db.run_sql(&format!("set role build14_system; {system}")).await;
    let jobs = "select (payload -> 'data' ->> 'org') || ' ' || (run_at < now() + interval '3 hours') from graphile_worker._private_jobs where key like '%:key' order by 1";
    let mut expected = [format!("{} true", victim.org), format!("{} false", intruding.org)];
    expected.sort();
    assert_eq!(world.db.query(jobs).await, expected);
    world.end().await;
}

#[tokio::test]
async fn an_expression_never_becomes_another_tenant() {
    let mut world = World::new().await;
    world.leave_work();
    let (victim, intruding) = (world.register("Victim").await, world.register("Intruder").await);
    let intruder = Intruder::of(&world).await;
    for expression in [
        format!("app.enter('{}', null)", victim.org),
        format!("app.enter('{}', '{}')", intruding.org, victim.user),
        format!("set_config('app.org_id', '{}', true)", victim.org),
        "query_to_xml('set app.org_id = ''x''', true, true, '')".to_owned(),
    ] {
        let outcome = intruder.tries(&intruding, &format!("select {expression}")).await;
        assert!(outcome.is_err(), "{expression}");
    }
    intruder.passes(&intruding, &format!("select app.enter('{}', '{}')", intruding.org, intruding.user)).await;
    world.end().await;
}

/// What of PostgreSQL's own the serving role reads: listed, so that what a new version brings is looked at. What tells of rows that a tenant
/// does not see, or of what others do, is not among it.
#[tokio::test]
async fn the_serving_role_reads_no_statistics() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let tender = world.tender(&owner).await;
    world.bid(&acme, &tender, "10.00").await;
    world.db.run_sql("analyze").await;
    let intruder = Intruder::of(&world).await;
    for expression in [
        "(select n_live_tup from pg_stat_user_tables where relname = 'bids')",
        "(select n_tup_ins from pg_stat_xact_user_tables where relname = 'bids')",
        "(select idx_scan from pg_stat_user_indexes where relname = 'bids' limit 1)",
        "(select heap_blks_read from pg_statio_user_tables where relname = 'bids')",
        "(select xact_commit from pg_stat_database limit 1)",
        "(select query from pg_stat_activity limit 1)",
        "(select count(*) from pg_locks)",
        "pg_stat_get_live_tuples('bids'::regclass)",
        "pg_relation_size('bids')",
        "pg_total_relation_size('bids')",
        "pg_blocking_pids(1)",
        "pg_try_advisory_xact_lock(app.tender_gate(gen_random_uuid()))",
        "pg_terminate_backend(1)",
        "pg_cancel_backend(1)",
        "pg_current_xact_id()",
        "txid_current()",
        "pg_xact_status('3'::xid8)",
        "lo_from_bytea(0, 'x')",
        "lo_get(1)",
        "pg_export_snapshot()",
        "(select last_value from outbox_seq_seq)",
        "pg_sequence_last_value('outbox_seq_seq')",
    ] {
        intruder.is_refused(&owner, &format!("select {expression}")).await;
    }
    intruder
        .passes(
            &owner,
            "do $$ begin
                 assert not exists (select from pg_stats where schemaname in ('public', 'app') and tablename not in ('__diesel_schema_migrations'));
                 assert not exists (select from pg_sequences where last_value is not null);
             end $$",
        )
        .await;
    // The rest of them, should a version of PostgreSQL have more.
    let open = "set role build14_app;
        do $$ declare view regclass; begin
            for view in select c.oid from pg_class c
                where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind = 'v' and c.relname ~ '^pg_(stat|statio|locks)_?' and c.relname !~ '^pg_stats' loop
                begin
                    execute format('select count(x::text) from %s x', view);
                    execute format('set test.open = %L', concat_ws(' ', current_setting('test.open', true), view));
                exception when insufficient_privilege then null;
                end;
            end loop;
        end $$;
        select coalesce(current_setting('test.open', true), '')";
    assert_eq!(world.db.query(open).await, [""], "PostgreSQL's statistics are closed by `build14 migrate` (db::bootstrap)");
    world.end().await;
}

#[tokio::test]
async fn nothing_of_ones_own_stands_before_our_tables() {
    let mut world = World::new().await;
    world.leave_work();
    let owner = world.register("Owner").await;
    let intruder = Intruder::of(&world).await;
    intruder.is_refused(&owner, "create temp table projects as select * from public.projects limit 0").await;
    intruder.is_refused(&owner, "create table public.mine (x int)").await;
    world.end().await;
}

#[tokio::test]
async fn nobody_chooses_numbers_times_or_whose_approval_it_is() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, stranger) = (world.register("Owner").await, world.register("Stranger").await);
    let intruder = Intruder::of(&world).await;
    let event = |columns: &str, values: &str| {
        format!(
            "insert into outbox ({columns}id, org_id, kind, aggregate, payload, request_id) overriding system value
             values ({values}gen_random_uuid(), app.org(), 'x.y', gen_random_uuid(), '{{}}', 'r')"
        )
    };
    intruder.passes(&owner, &event("", "")).await;
    for (column, value) in [("seq", "1000000"), ("created_at", "'infinity'"), ("attempts", "9"), ("retry_at", "now()")] {
        intruder.is_refused(&owner, &event(&format!("{column}, "), &format!("{value}, "))).await;
    }
    let entry = |columns: &str, values: &str| {
        format!(
            "insert into audit_entries ({columns}org_id, id, actor_id, action, entity_type, entity_id, request_id)
             values ({values}app.org(), gen_random_uuid(), app.user_id(), 'x', 'x', gen_random_uuid(), 'r')"
        )
    };
    intruder.passes(&owner, &entry("", "")).await;
    intruder.is_refused(&owner, &entry("at, ", "'infinity', ")).await;
    let approval = |columns: &str, values: &str| {
        format!(
            "insert into approvals (org_id, id, action, subject, detail, amount_minor, currency, first_user{columns})
             values (app.org(), gen_random_uuid(), 'a', gen_random_uuid(), '', 1, 'EUR', {values})"
        )
    };
    intruder.passes(&owner, &approval("", "app.user_id()")).await;
    intruder.is_refused(&owner, &approval("", &format!("'{}'", stranger.user))).await;
    intruder.is_refused(&owner, &approval(", second_user, used_at", "app.user_id(), gen_random_uuid(), now()")).await;
    intruder.is_refused(&owner, &approval(", voided_at", "app.user_id(), now()")).await;
    world.end().await;
}

#[tokio::test]
async fn a_bid_keeps_the_receipt_of_its_latest_revision() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let tender = world.tender(&owner).await;
    let bid = world.bid(&acme, &tender, "10.00").await;
    let intruder = Intruder::of(&world).await;
    for change in ["receipt_sha256 = sha256('x')", "revision = 99", "received_at = received_at - interval '1 hour'"] {
        let sql = format!("update bids set {change} where id = '{bid}'");
        intruder.is_refused_saying(&acme, &sql, "a bid has the receipt of its latest revision").await;
    }
    let earlier = "insert into bid_revisions (org_id, bid_id, revision, tender_id, bidder_org_id, sealed, receipt_sha256, received_at)
        select org_id, bid_id, revision + 1, tender_id, bidder_org_id, sealed, sha256('x'), received_at - interval '1 hour' from bid_revisions";
    intruder.is_refused_saying(&acme, earlier, "a bid is received when it is stored").await;
    world.end().await;
}

#[tokio::test]
async fn what_was_published_and_opened_stays_as_it_was_told() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let tender = world.tender(&owner).await;
    world.bid(&acme, &tender, "10.00").await;
    let intruder = Intruder::of(&world).await;
    for (change, column) in
        [("title = 'x'", "title"), ("description = 'x'", "description"), ("questions_until = now()", "questions_until")]
    {
        let sql = format!("update tenders set {change} where id = '{}'", tender.id);
        intruder.is_refused_saying(&owner, &sql, &format!("tenders.{column} never changes")).await;
    }
    world.open(&owner, &tender).await;
    for change in ["total = 1", "rank = 7", "note = 'x'", "valid_until = '2031-02-03'"] {
        intruder.is_refused(&owner, &format!("update bids set {change}")).await;
    }
    world.end().await;
}

#[tokio::test]
async fn a_login_that_is_a_member_of_the_serving_role_keeps_to_the_verbs_too() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let tender = world.tender(&owner).await;
    world.bid(&acme, &tender, "10.00").await;
    world.open(&owner, &tender).await;
    // Roles belong to the cluster, which other tests share.
    let login = format!("{}_member", world.db.query("select current_database()").await[0]);
    world.db.run_sql(&format!("create role {login} login in role build14_app")).await;
    let url = world.db.app_url().await.expose_secret().replace("build14_app", &login);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("connects");
    let driven = tokio::spawn(connection);
    let member = Intruder(client);
    let change = "update bids set withdrawal_document = '{}'";
    member.is_refused_saying(&owner, change, "bids.withdrawal_document never changes").await;
    let asked = "insert into approvals (org_id, id, action, subject, detail, amount_minor, currency, first_user)
        values (app.org(), gen_random_uuid(), 'a', gen_random_uuid(), '', 1, 'EUR', app.user_id())";
    let approve = format!("{asked}; update approvals set second_user = gen_random_uuid(), used_at = now()");
    member.is_refused_saying(&owner, &approve, "nobody approves in another's name").await;
    drop(member);
    let _ = driven.await;
    world.db.run_sql(&format!("drop role {login}")).await;
    world.end().await;
}
