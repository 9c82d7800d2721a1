//! `build14 freeze` and `unfreeze` as an operator types them.

use testkit::Database;

use crate::command_line::{production, run_over};

/// A contract of two organisations with two milestones, in the database alone: its id, and that of the first milestone.
async fn contract(database: &Database) -> (String, String) {
    let (org, other) = (kernel::OrgId::new(), kernel::OrgId::new());
    let (contract, first, second) =
        (escrow_api::ContractId::new(), escrow_api::MilestoneId::new(), escrow_api::MilestoneId::new());
    database
        .run_sql(&format!(
            "begin;
             insert into contracts (org_id, id, contractor_org_id, project_id, tender_id, bid_id, title, currency, total, fee_bps,
                 processing_cost_bearer, processing_bps, processing_fixed, document, document_sha256)
                 values ('{org}', '{contract}', '{other}', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'Villa', 'EUR', 300, 250,
                     'owner', 290, 30, '{{}}', repeat('0', 64));
             insert into contract_lines (org_id, contract_id, contractor_org_id, position, soq_line_id, code, description, kind, amount, counts)
                 values ('{org}', '{contract}', '{other}', 1, gen_random_uuid(), '1', 'Works', 'lump_sum', 300, true);
             insert into milestones (org_id, id, contract_id, contractor_org_id, position, title, amount, currency)
                 values ('{org}', '{first}', '{contract}', '{other}', 1, 'Shell', 100, 'EUR'),
                        ('{org}', '{second}', '{contract}', '{other}', 2, 'Roof', 200, 'EUR');
             commit"
        ))
        .await;
    (contract.to_string(), first.to_string())
}

#[tokio::test]
async fn an_operator_freezes_and_unfreezes_a_milestone_in_both_trails() {
    let database = Database::fresh().await;
    let environment = production(&database).await;
    let (contract, milestone) = contract(&database).await;
    let who = ["--operator", "Ada Lovelace", "--reason", "the card was stolen"];
    let run = async |arguments: &[&str]| {
        let arguments: Vec<&str> = arguments.iter().chain(&who).copied().collect();
        run_over(&environment, &arguments).await
    };
    let frozen = "select string_agg(frozen::text, ' ' order by position) from milestones";

    let (code, said, complained) = run(&["freeze", "--milestone", &milestone]).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""));
    assert!(said.starts_with(&format!("milestone {milestone} is frozen")), "{said}");
    assert_eq!(database.query(frozen).await, ["true false"]);
    let (code, _, complained) = run(&["freeze", "--milestone", &milestone]).await;
    assert_eq!(code, Some(1));
    assert!(complained.contains("is frozen already: Ada Lovelace did so on"), "{complained}");
    let (code, _, complained) = run(&["unfreeze", "--contract", &contract]).await;
    assert_eq!(code, Some(1));
    assert!(complained.contains("has no open hold of kind operator"), "{complained}");
    let (code, _, complained) = run(&["freeze", "--contract", &contract]).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""));
    assert_eq!(database.query(frozen).await, ["true true"]);
    let (code, said, _) = run(&["unfreeze", "--milestone", &milestone]).await;
    assert_eq!(code, Some(0));
    assert!(said.contains("still on hold: operator"), "{said}");
    let (code, _, complained) = run(&["unfreeze", "--milestone", &milestone]).await;
    assert_eq!(code, Some(1));
    assert!(complained.contains(&format!("`build14 unfreeze --contract {contract}` lifts")), "{complained}");
    let (code, said, _) = run(&["unfreeze", "--contract", &contract]).await;
    assert_eq!(code, Some(0));
    assert!(said.contains("its money may move again"), "{said}");
    assert_eq!(database.query(frozen).await, ["false false"]);
    let (code, _, complained) = run(&["unfreeze", "--milestone", &milestone]).await;
    assert_eq!(code, Some(1));
    assert!(complained.contains("none is open"), "{complained}");

    let trails = database
        .query(
            "select action || ' ' || entity_type || ' ' || count(distinct org_id) || ' ' || min(after ->> 'operator') || ': ' || min(after ->> 'reason')
             from audit_entries group by action, entity_type order by action desc, entity_type",
        )
        .await;
    let told = ["placed contract", "placed milestone", "lifted contract", "lifted milestone"]
        .map(|what| format!("escrow.hold_{what} 2 Ada Lovelace: the card was stolen"));
    assert_eq!(trails, told);
}

#[tokio::test]
async fn freezing_names_what_is_wrong_with_it() {
    let database = Database::fresh().await;
    let environment = production(&database).await;
    let id = "0193b1c0-0000-7000-8000-000000000001";
    let both = ["freeze", "--milestone", id, "--contract", id, "--operator", "Ada", "--reason", "why"];
    for (arguments, code, expected) in [
        (&["freeze", "--milestone", id, "--operator", "Ada", "--reason", "why"][..], 1, "there is no such milestone"),
        (&["freeze", "--contract", id, "--operator", "Ada", "--reason", "why"], 1, "there is no such contract"),
        (&["unfreeze", "--milestone", id, "--operator", "Ada", "--reason", "why"], 1, "there is no such milestone"),
        (&["freeze", "--milestone", id, "--operator", " ", "--reason", "why"], 2, "the operator must be the name of the person"),
        (&["freeze", "--milestone", id, "--operator", "Ada", "--reason", ""], 2, "the reason must say why"),
        (&["freeze", "--milestone", id, "--reason", "why"], 2, "--operator"),
        (&["freeze", "--milestone", id, "--operator", "Ada"], 2, "--reason"),
        (&["freeze", "--operator", "Ada", "--reason", "why"], 2, "--milestone"),
        (&["freeze", "--milestone", "17", "--operator", "Ada", "--reason", "why"], 2, "invalid value '17'"),
        (
            &["unfreeze", "--milestone", id, "--kind", "nonsense", "--operator", "Ada", "--reason", "why"],
            2,
            "holds are of these kinds: dispute, fraud_warning, refund, review, charge, operator",
        ),
        (&both, 2, "cannot be used with"),
    ] {
        let (ended, said, complained) = run_over(&environment, arguments).await;
        assert_eq!((ended, said.as_str()), (Some(code), ""), "{arguments:?}: {complained}");
        assert!(complained.contains(expected), "{arguments:?}: {complained}");
    }
}
