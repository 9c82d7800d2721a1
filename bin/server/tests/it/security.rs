//! `build14 security-events` as an operator types it.

use serde_json::{Value, json};
use testkit::Database;

use crate::command_line::{production, run_over};

#[tokio::test]
async fn security_events_are_listed_newest_first_without_what_was_tried() {
    let database = Database::fresh().await;
    let environment = production(&database).await;
    let (code, said, complained) = run_over(&environment, &["security-events"]).await;
    assert_eq!((code, said.as_str(), complained.as_str()), (Some(0), "nothing happened\n", ""));

    let ada = database.party("Ada Works").await.user;
    database
        .run_sql(&format!(
            "insert into security_events (id, at, kind, user_id, address, request_id) values
                 (gen_random_uuid(), date_trunc('second', now()) - interval '3 hours', 'sign_in_failed', '{ada}', '203.0.113.7', 'r1'),
                 (gen_random_uuid(), date_trunc('second', now()) - interval '2 hours', 'sign_in_limited', null, '2001:db8::1', 'r2'),
                 (gen_random_uuid(), date_trunc('second', now()) - interval '1 hour', 'password_changed', '{ada}', null, 'r3'),
                 (gen_random_uuid(), date_trunc('second', now()) - interval '30 hours', 'password_change_failed', '{ada}', null, 'r4')"
        ))
        .await;
    let at = database
        .query(r#"select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') from security_events order by request_id"#)
        .await;
    let (code, said, complained) = run_over(&environment, &["security-events"]).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""));
    let lines: Vec<_> = said.lines().collect();
    let expected = [
        format!("{} password_changed of {ada}, from an unknown address, request r3", at[2]),
        format!("{} sign_in_limited of an email that nobody has, from 2001:db8::1, request r2", at[1]),
        format!("{} sign_in_failed of {ada}, from 203.0.113.7, request r1", at[0]),
    ];
    assert_eq!(lines, expected, "of the last day");

    let (code, said, _) = run_over(&environment, &["security-events", "--since", "90m", "--json"]).await;
    let told: Value = serde_json::from_str(&said).expect("JSON");
    let event = json!({ "at": at[2], "kind": "password_changed", "userId": ada, "organizationId": null, "address": null, "requestId": "r3" });
    assert_eq!((code, told), (Some(0), json!([event])));
    let (_, said, _) = run_over(&environment, &["security-events", "--since", "48h", "--json"]).await;
    let told: Value = serde_json::from_str(&said).expect("JSON");
    let requests: Vec<_> = told.as_array().expect("an array").iter().map(|one| one["requestId"].as_str()).collect();
    assert_eq!(requests, [Some("r3"), Some("r2"), Some("r1"), Some("r4")]);
    for wrong in ["soon", "101years", "290000years"] {
        let (code, _, complained) = run_over(&environment, &["security-events", "--since", wrong]).await;
        assert_eq!(code, Some(2), "{complained}");
        assert!(complained.contains("--since") && complained.contains("such as 30m, 24h or 7d"), "{complained}");
    }
}

#[tokio::test]
async fn whose_limit_was_spent_is_told() {
    let database = Database::fresh().await;
    let environment = production(&database).await;
    let ada = database.party("Ada Works").await;
    database
        .run_sql(&format!(
            "insert into security_events (id, at, kind, user_id, organization, address, request_id) values
                 (gen_random_uuid(), now() - interval '4 minutes', 'requests_limited', '{}', null, '203.0.113.7', 'r1'),
                 (gen_random_uuid(), now() - interval '3 minutes', 'organization_limited', null, '{}', '203.0.113.7', 'r2'),
                 (gen_random_uuid(), now() - interval '2 minutes', 'address_limited', null, null, '203.0.113.7', 'r3'),
                 (gen_random_uuid(), now() - interval '1 minute', 'sign_in_address_limited', null, null, '203.0.113.7', 'r4')",
            ada.user, ada.org
        ))
        .await;
    let (code, said, complained) = run_over(&environment, &["security-events"]).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""));
    let said: Vec<_> = said.lines().filter_map(|line| line.split_once(' ')).map(|(_, said)| said.to_owned()).collect();
    let expected = [
        "sign_in_address_limited of this address".to_owned(),
        "address_limited of this address".to_owned(),
        format!("organization_limited of the organisation {}", ada.org),
        format!("requests_limited of {}", ada.user),
    ];
    let expected: Vec<_> =
        expected.iter().zip([4, 3, 2, 1]).map(|(what, n)| format!("{what}, from 203.0.113.7, request r{n}")).collect();
    assert_eq!(said, expected);
    let (_, said, _) = run_over(&environment, &["security-events", "--since", "200s", "--json"]).await;
    let told: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(told[2]["organizationId"], json!(ada.org), "{told}");
}
