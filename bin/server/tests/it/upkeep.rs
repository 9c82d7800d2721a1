//! `build14 doctor`, `seal` and `jobs` as an operator types them.

use serde_json::Value;
use testkit::Database;

use crate::command_line::{production, run_over};
use crate::process::{binary, free_address, serve};

const ORG: &str = "0193b1c0-0000-7000-8000-0000000000aa";

/// A job that used up its attempts.
fn dead_job(task: &str, org: &str) -> String {
    format!(
        "select graphile_worker.add_job('{task}', json_build_object('org', {org}, 'request', null, 'data', json_build_object()));
         update graphile_worker._private_jobs set attempts = max_attempts, last_error = 'no luck' where attempts = 0"
    )
}

/// Organisations and a closed tender, without triggers.
fn raw(sql: &str) -> String {
    format!("set session_replication_role = replica; {sql}")
}

#[tokio::test]
async fn the_doctor_names_each_of_what_is_broken_in_a_line() {
    let database = Database::fresh().await;
    let environment = production(&database).await;
    let (code, said, _) = run_over(&environment, &["doctor"]).await;
    assert_eq!((code, said.as_str()), (Some(0), "every invariant holds, no alarm is open\n"));
    database.run_sql(&dead_job("tenders.close", "null")).await;
    let clock = "update app.clock set advance = interval '1 hour';";
    let emptied = format!("insert into organizations (org_id, name, slug) values ('{ORG}', 'Emptied', 'emptied');");
    let tender = format!(
        "insert into tenders (org_id, id, project_id, soq_id, soq_version, title, procurement_method, status, currency, submission_deadline,
             published_at, closed_at, seal_root)
         values ('{ORG}', '{ORG}', '{ORG}', '{ORG}', 1, 'T', 'open', 'closed', 'EUR', now(), now(), now(), sha256(''));"
    );
    let key = format!("insert into tender_keys (org_id, tender_id, key_id, wrapped) values ('{ORG}', '{ORG}', 'abc', 'abc')");
    database.run_sql(&raw(&format!("{clock} {emptied} {tender} {key}"))).await;
    let (code, said, _) = run_over(&environment, &["doctor"]).await;
    let expected = [
        format!("AUDIT_CHAIN_BROKEN: {ORG}: the chain of this organisation is broken at entry 1"),
        format!("SEAL_BROKEN: {ORG}: of organisation {ORG}: what was fixed at closing is gone"),
        "JOB_DEAD: 1: tenders.close used up its 25 attempts: no luck; `build14 jobs retry --id 1 --operator …` gives it more"
            .to_owned(),
        "SEAL_KEY_UNKNOWN: abc: wraps the keys of 1 tender and is not configured: their bids cannot be read".to_owned(),
        "CLOCK_MOVED: app.clock: was moved by 01:00:00: deadlines are decided by it".to_owned(),
    ];
    assert_eq!((code, said.lines().count()), (Some(1), expected.len()), "{said}");
    for line in &expected {
        assert!(said.lines().any(|told| told.starts_with(line)), "{line:?} is missing in:\n{said}");
    }
    let (code, said, _) = run_over(&environment, &["doctor", "--json"]).await;
    let told: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, told.as_array().map(Vec::len)), (Some(1), Some(5)));
    assert_eq!((&told[4]["rule"], &told[4]["subject"]), (&Value::from("CLOCK_MOVED"), &Value::from("app.clock")));
    for command in ["serve", "worker"] {
        let (code, _, complained) = run_over(&environment, &[command]).await;
        assert!(code == Some(1) && complained.contains("app.clock) was moved by 01:00:00"), "{command}: {complained}");
    }
}

#[tokio::test]
async fn the_doctor_compares_with_what_was_signed() {
    let database = Database::fresh().await;
    let environment = production(&database).await;
    let entry = format!(
        "insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id)
         values ('{ORG}', gen_random_uuid(), 'x', 'x', gen_random_uuid(), 'x')"
    );
    database.run_sql(&entry).await;
    let stranger = audit::Signer::from_seed(&[3; 32]).expect("a key");
    audit::sign_heads(&database.system_uow(), &stranger).await.expect("signs");
    let (code, said, _) = run_over(&environment, &["doctor"]).await;
    assert_eq!(code, Some(1));
    assert!(
        said.contains(&format!(
            "AUDIT_SIGNATURE_BROKEN: trail: heads were signed with the key {}, which is not configured",
            stranger.id()
        )),
        "{said}"
    );
    let mut environment = environment;
    environment.push(("BUILD14__AUDIT__PREVIOUS_PUBLIC_KEYS", hex(&stranger.keys()[0].bytes)));
    assert_eq!(run_over(&environment, &["doctor"]).await.0, Some(0));
    let (code, said, complained) = run_over(&environment, &["doctor", "--anchor", "nonsense"]).await;
    assert_eq!((code, said.as_str()), (Some(2), ""), "a typing error, and no finding");
    assert!(complained.contains("it is not an anchor"), "{complained}");
    let invented = format!("14build/audit-round/1 1 1 {} 2026-11-26T00:00:00Z abc {}", "0".repeat(64), "0".repeat(128));
    let (code, said, _) = run_over(&environment, &["doctor", "--anchor", &invented]).await;
    assert!(code == Some(1) && said.starts_with("AUDIT_ANCHOR_BROKEN: anchor: it is signed with the key abc"), "{said}");
    database.run_sql(&raw("update audit_checkpoints set signature = decode(repeat('ab', 64), 'hex')")).await;
    let (_, said, _) = run_over(&environment, &["doctor"]).await;
    assert_eq!(said, format!("AUDIT_SIGNATURE_BROKEN: {ORG}: the signature of the head 1 does not hold\n"));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn dead_jobs_are_listed_and_live_again_with_the_operators_name() {
    let database = Database::fresh().await;
    let environment = production(&database).await;
    let run = async |arguments: &[&str]| run_over(&environment, arguments).await;
    assert_eq!(run(&["jobs", "list", "--dead"]).await.1, "no job is dead\n");
    for (task, org) in [("tenders.close", format!("'{ORG}'")), ("tenders.close", "null".into()), ("no.such_task", "null".into())]
    {
        database.run_sql(&dead_job(task, &org)).await;
    }
    let (code, said, _) = run(&["jobs", "list", "--dead", "--json"]).await;
    let told: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, told["jobs"].as_array().map(Vec::len)), (Some(0), Some(3)));
    assert_eq!(
        (&told["jobs"][0]["state"], &told["jobs"][0]["organizationId"], &told["jobs"][0]["lastError"]),
        (&Value::from("dead"), &Value::from(ORG), &Value::from("no luck"))
    );
    let (code, _, complained) = run(&["jobs", "retry", "--id", "1"]).await;
    assert!(code == Some(2) && complained.contains("--operator"), "{complained}");
    let (code, _, complained) = run(&["jobs", "retry", "--id", "x", "--operator", "ada"]).await;
    assert!(code == Some(2) && complained.contains("a whole number, as `jobs list` shows"), "{complained}");
    let (code, _, complained) = run(&["jobs", "retry", "--operator", "ada"]).await;
    assert!(code == Some(2) && complained.contains("--id") && complained.contains("--task"), "{complained}");
    let (code, _, complained) = run(&["jobs", "retry", "--id", "1", "--operator", " "]).await;
    assert!(code == Some(2) && complained.contains("the operator must be the name of the person"), "{complained}");
    let (code, _, complained) = run(&["jobs", "retry", "--task", "no.such_task", "--operator", "ada"]).await;
    assert!(code == Some(1) && complained.contains("nothing in this program does \"no.such_task\": job 3 stays"), "{complained}");
    let (code, said, _) = run(&["jobs", "retry", "--id", "1", "--operator", "ada"]).await;
    assert_eq!((code, said.as_str()), (Some(0), "job 1 (tenders.close) is due again\n"));
    let (code, said, _) = run(&["jobs", "retry", "--task", "tenders.close", "--operator", "ada"]).await;
    assert_eq!((code, said.as_str()), (Some(0), "job 2 (tenders.close) is due again\n"), "the other one lives already");
    let (code, _, complained) = run(&["jobs", "retry", "--id", "1", "--operator", "ada"]).await;
    assert!(code == Some(1) && complained.contains("there is no such dead job"), "{complained}");
    let noted = "select concat_ws(' ', job_id, task, for_org, operator, last_error) from job_retries order by id";
    assert_eq!(database.query(noted).await, [format!("1 tenders.close {ORG} ada no luck"), "2 tenders.close ada no luck".into()]);
    let trail = "select concat_ws(' ', org_id, action, after ->> 'operator', after ->> 'job') from audit_entries";
    assert_eq!(database.query(trail).await, [format!("{ORG} jobs.retry ada 1")], "in the trail of whose it is");
    assert_eq!(run(&["jobs", "list", "--dead"]).await.1.lines().count(), 1);
}

#[tokio::test]
async fn in_development_a_rotation_makes_another_key_and_destroys_the_old_one() {
    let place = tempfile::tempdir().expect("a folder");
    let data = place.path().join("data");
    let run = async |arguments: &[&str]| {
        let output = binary().args(arguments).env("BUILD14__DATA_DIR", &data).output().await.expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let mut server = serve(free_address(), &data, &[]).await.expect("it makes data to keep a key with");
    let stopped = tokio::process::Command::new("kill").arg(server.id().expect("it runs").to_string()).status().await;
    assert!(stopped.expect("kill runs").success() && server.wait().await.expect("ends").success());
    assert_eq!(run(&["migrate"]).await.0, Some(0), "where there are data it brings them up to date");
    let (code, before, complained) = run(&["seal", "status"]).await;
    assert!(code == Some(0) && before.contains("current        wraps the keys of 0 tenders"), "{before}{complained}");
    let old = std::fs::read_to_string(data.join("seal.key")).expect("kept");
    let (code, said, complained) = run(&["seal", "rotate", "--operator", "ada"]).await;
    assert!(code == Some(0) && said.contains("0 tender keys are wrapped"), "{said}{complained}");
    assert_ne!(std::fs::read_to_string(data.join("seal.key")).expect("kept"), old);
    assert!(!data.join("seal.previous").exists(), "destroyed");
    assert_ne!(run(&["seal", "status"]).await.1, before);
}

#[tokio::test]
async fn in_production_a_rotation_says_which_key_can_be_destroyed() {
    let database = Database::fresh().await;
    let mut environment = production(&database).await;
    environment.push(("BUILD14__TENDERS__PREVIOUS_SEAL_KEYS", "MjIyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".to_owned()));
    let (code, said, _) = run_over(&environment, &["seal", "rotate", "--operator", "ada"]).await;
    assert_eq!(code, Some(0));
    assert!(said.contains("wraps nothing any more: once no server wraps with it, remove it"), "{said}");
    let key = format!("insert into tender_keys (org_id, tender_id, key_id, wrapped) values ('{ORG}', '{ORG}', 'abc', 'abc')");
    database.run_sql(&raw(&key)).await;
    let (code, said, _) = run_over(&environment, &["seal", "rotate", "--operator", "ada"]).await;
    assert!(code == Some(1) && said.contains("1 tender key is wrapped by a seal key that is not configured"), "{said}");
    let (_, said, _) = run_over(&environment, &["seal", "status", "--json"]).await;
    let told: Value = serde_json::from_str(&said).expect("JSON");
    let roles: Vec<_> =
        told["sealKeys"].as_array().expect("a list").iter().map(|key| key["role"].as_str().expect("a role")).collect();
    assert_eq!(roles, ["current", "previous", "not configured"]);
}
