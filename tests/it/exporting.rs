//! What an organisation takes along holds all that is its own, nothing of anybody else's, and no secret.

use std::collections::BTreeMap;

use serde_json::Value;
use testkit::unzipped;

use crate::domains::Scene;
use crate::world::{Party, World};

/// The files of what somebody's organisation takes along.
async fn archive(world: &World, who: &Party) -> BTreeMap<String, String> {
    let asked = who.http.act("/api/organization/export").await.expect(202).text("/path");
    world.settle().await;
    let fetched = who.http.get(&asked).await.expect(200);
    assert_eq!(fetched.header("content-type"), "application/zip");
    unzipped(&fetched.bytes)
}

fn rows(files: &BTreeMap<String, String>, name: &str) -> Vec<Value> {
    let file = files.get(&format!("{name}.json")).unwrap_or_else(|| panic!("no {name} in {:?}", files.keys()));
    serde_json::from_str(file).expect("a list")
}

#[tokio::test]
async fn an_archive_holds_what_is_the_organisations_nothing_of_others_and_no_secret() {
    let world = World::new().await;
    let mine = Scene::of(&world, "Mine").await;
    let other = Scene::of(&world, "Other").await;
    let files = archive(&world, &mine.owner).await;
    for name in [
        "members",
        "trail",
        "projects",
        "units",
        "schedules",
        "tenders",
        "tender_invitations",
        "awards",
        "contracts",
        "milestones",
    ] {
        assert!(!rows(&files, name).is_empty(), "there is something in {name}");
    }
    // As many as there are, of every list that stands for a table.
    for (name, table) in [
        ("projects", "projects"),
        ("units", "units"),
        ("schedules", "soqs"),
        ("tenders", "tenders"),
        ("ledger", "ledger_transactions"),
    ] {
        let count = world.db.query(&format!("select count(*) from {table} where org_id = '{}'", mine.owner.org)).await;
        assert_eq!(rows(&files, name).len().to_string(), count[0], "{name}");
    }
    let all: String = files.values().map(String::as_str).collect();
    for id in other.ids().chain([other.owner.org.as_str(), other.owner.email.as_str(), other.contractor.org.as_str()]) {
        assert!(!all.contains(id), "{id} is another organisation's");
    }
    // What is kept as a secret, or to know one by.
    let secrets = world
        .db
        .query(
            "select password_hash from credentials union all select encode(token_hash, 'hex') from sessions
             union all select encode(hash, 'hex') from api_keys union all select encode(token_hash, 'hex') from invitation_links
             union all select encode(wrapped, 'hex') from tender_keys where wrapped is not null
             union all select encode(sealed, 'hex') from bid_revisions",
        )
        .await;
    assert!(secrets.len() > 8, "{secrets:?}");
    for secret in secrets {
        assert!(!all.contains(&secret), "{secret}");
    }

    // The other party of the contract takes the contract along, and its own bid, and no project of the owner's.
    let theirs = archive(&world, &mine.contractor).await;
    let contracts = rows(&theirs, "contracts");
    assert_eq!((contracts.len(), contracts[0]["id"].as_str()), (1, Some(mine.contract.id.as_str())));
    assert!(rows(&theirs, "own_bids").iter().any(|bid| bid["id"] == mine.contract.bid.as_str()));
    assert_eq!(rows(&theirs, "projects"), [] as [Value; 0]);
    assert_eq!(rows(&theirs, "tenders"), [] as [Value; 0]);
    let members = rows(&theirs, "members");
    assert!(members.iter().all(|member| member["user"] != mine.owner.user.as_str()), "{members:?}");
    world.end().await;
}
