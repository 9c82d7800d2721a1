//! The serving role may change what its verbs change and nothing else: column by column from the catalogue, and tried as each party.

use secrecy::ExposeSecret;
use testkit::Database;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use crate::world::World;

#[tokio::test]
async fn what_the_serving_role_may_write_is_listed() {
    let db = Database::fresh().await;
    let listed = db
        .query(
            "select format('%-20s %-7s %s', c.relname, lower(command),
                 case when has_table_privilege('build14_app', c.oid, command) then '(every column)'
                      else string_agg(a.attname, ', ' order by a.attnum) end)
             from pg_class c
             cross join unnest(array['INSERT', 'UPDATE', 'DELETE']) command
             left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and command <> 'DELETE'
                 and has_column_privilege('build14_app', c.oid, a.attnum, command)
             where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'app'::regnamespace)
             group by c.oid, c.relname, command
             having has_table_privilege('build14_app', c.oid, command) or count(a.attname) > 0
             order by c.relname, command",
        )
        .await;
    assert!(
        !listed.iter().any(|line| line.contains(" update ") && line.ends_with("(every column)")),
        "an update is granted column by column: `grant update (…) on … to build14_app`\n{listed:#?}"
    );
    insta::assert_snapshot!("writes_of_the_serving_role", listed.join("\n"));
}

#[tokio::test]
async fn what_the_serving_role_may_delete_says_which_verb_does_it() {
    let db = Database::fresh().await;
    let deletable =
        "from pg_class c where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'app'::regnamespace)
             and has_table_privilege('build14_app', c.oid, 'delete')";
    let silent = db
        .query(&format!(
            "select c.relname {deletable} and not exists (select from pg_policy p where p.polrelid = c.oid and p.polcmd = 'd'
                 and 'build14_app'::regrole = any (p.polroles) and obj_description(p.oid, 'pg_policy') <> '') order by 1"
        ))
        .await;
    assert_eq!(silent, [""; 0], "`comment on policy … is` the verb that deletes there, or take the privilege back");
    assert_eq!(db.query(&format!("select count(*) > 10 {deletable}")).await, ["t"], "the tables are found");
}

/// What a party may not do to rows that it shares, as the serving role in its name.
#[tokio::test]
async fn a_party_changes_nothing_that_is_not_its_verb() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, contractor) = (world.register("Owner").await, world.register("Builder").await);
    let contract = world.contract(&owner, &contractor).await;
    world.fund(&owner, &contract.milestones[0]).await;
    world.settle().await;
    let funded = world.db.query("select status from milestones order by position limit 1").await;
    assert_eq!(funded, ["funded"], "the one that the contractor may change");
    let (client, connection) = tokio_postgres::connect(world.db.app_url().await.expose_secret(), NoTls).await.expect("connects");
    tokio::spawn(connection);
    let attempt = async |party: &crate::world::Party, sql: &str| {
        client.batch_execute(&format!("begin; select app.enter('{}', '{}')", party.org, party.user)).await.expect("enters");
        let outcome = client.execute(sql, &[]).await;
        client.batch_execute("rollback").await.expect("rolls back");
        outcome.map_err(|error| error.code().cloned().expect("the database refused"))
    };

    let submit = "update milestones set status = 'in_review', submissions = submissions + 1, submitted_by = app.user_id(), submitted_at = now(),
        review_due_at = now() + interval '14 days', updated_at = now()";
    assert_eq!(attempt(&contractor, &format!("{submit} where status = 'funded'")).await, Ok(1), "its own verb");
    for more in ["frozen = true", "title = 'x'", "due_on = '2030-01-01'", "amount = 1", "position = 7", "created_at = now()"] {
        let refused = attempt(&contractor, &format!("{submit}, {more} where status = 'funded'")).await;
        assert_eq!(refused, Err(SqlState::INSUFFICIENT_PRIVILEGE), "{more}");
        let refused = attempt(&owner, &format!("update milestones set {more}")).await;
        assert_eq!(refused, Err(SqlState::INSUFFICIENT_PRIVILEGE), "{more}");
    }
    for otherwise in [
        "update milestones set status = 'in_review', review_due_at = now(), submitted_at = now() where status = 'funded'",
        "update milestones set status = 'in_review', review_due_at = now(), submitted_at = now(), submissions = submissions + 2,
            submitted_by = app.user_id() where status = 'funded'",
        "update milestones set status = 'in_review', review_due_at = now(), submitted_at = now(), submissions = submissions + 1,
            submitted_by = gen_random_uuid() where status = 'funded'",
        "update milestones set status = 'in_review', submitted_at = now(), submissions = submissions + 1, submitted_by = app.user_id()
            where status = 'funded'",
    ] {
        let refused = attempt(&contractor, otherwise).await;
        assert_eq!(refused, Err(SqlState::INTEGRITY_CONSTRAINT_VIOLATION), "{otherwise}");
    }
    let refused = attempt(&owner, "update milestones set submissions = 9, submitted_by = app.user_id()").await;
    assert_eq!(refused, Err(SqlState::INTEGRITY_CONSTRAINT_VIOLATION), "the owner does not submit");

    let refused: [(&str, &str); 12] = [
        ("escrow_accounts", "update escrow_accounts set status = 'closed'"),
        (
            "escrow_accounts",
            "insert into escrow_accounts (org_id, contract_id, contractor_org_id, currency) select org_id, id, contractor_org_id, 'USD' from contracts",
        ),
        ("contracts", "update contracts set activated_at = now()"),
        ("contracts", "update contracts set total = 1"),
        ("users", "update users set email = 'x@y.example', email_key = 'x@y.example'"),
        ("users", "update users set email_verified = true"),
        ("users", "update users set removed_at = now()"),
        ("payments", "update payments set amount = 1, charged = 1"),
        ("releases", "update releases set net = 1"),
        ("approvals", "update approvals set amount_minor = 1"),
        ("soq_lines", "update soq_lines set quantity = 1"),
        ("memberships", "update memberships set user_id = gen_random_uuid()"),
    ];
    for (table, sql) in refused {
        assert_eq!(attempt(&owner, sql).await, Err(SqlState::INSUFFICIENT_PRIVILEGE), "{table}: {sql}");
    }
    // What begins, begins at its beginning; who acts, acts in their own name.
    let columns = "org_id, id, contract_id, contractor_org_id, milestone_id, amount, fee, charged, currency, created_by";
    let values = "select m.org_id, gen_random_uuid(), m.contract_id, m.contractor_org_id, m.id, m.amount, (m.amount * c.fee_bps + 5000) / 10000,
        case c.processing_cost_bearer
            when 'owner' then ((m.amount + c.processing_fixed) * 10000 + 9999 - c.processing_bps) / (10000 - c.processing_bps)
            else m.amount end, m.currency";
    let unfunded =
        "from milestones m join contracts c on c.org_id = m.org_id and c.id = m.contract_id where m.status = 'planned' limit 1";
    let allowed = format!("insert into payments ({columns}) {values}, app.user_id() {unfunded}");
    assert_eq!(attempt(&owner, &allowed).await, Ok(1), "{allowed}");
    for (more, value) in [("status", "'processing'"), ("intent", "'pi_1'"), ("funded_at", "now()")] {
        let sql = format!("insert into payments ({columns}, {more}) {values}, app.user_id(), {value} {unfunded}");
        assert_eq!(attempt(&owner, &sql).await, Err(SqlState::INSUFFICIENT_PRIVILEGE), "{sql}");
    }
    let sql = format!("insert into payments ({columns}) {values}, gen_random_uuid() {unfunded}");
    assert_eq!(attempt(&owner, &sql).await, Err(SqlState::INSUFFICIENT_PRIVILEGE), "in another's name");
    let trail = "insert into audit_entries (org_id, id, actor_id, action, entity_type, entity_id, request_id)
        select app.org(), gen_random_uuid(), gen_random_uuid(), 'x', 'x', gen_random_uuid(), 'x'";
    assert_eq!(attempt(&owner, trail).await, Err(SqlState::INSUFFICIENT_PRIVILEGE), "in another's name");
    let review = "insert into milestone_reviews (org_id, id, milestone_id, contract_id, contractor_org_id, kind, by_user)
        select org_id, gen_random_uuid(), id, contract_id, contractor_org_id, 'changes_requested', gen_random_uuid() from milestones limit 1";
    assert_eq!(attempt(&owner, review).await, Err(SqlState::INSUFFICIENT_PRIVILEGE), "in another's name");
    world.end().await;
}
