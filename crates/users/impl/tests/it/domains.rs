//! Domains: proven by what their owner publishes, by one organisation, and joined by who has proven an address of exactly that domain.

use kernel::OrgId;
use mail_api::{Content, Template};
use serde_json::json;

use crate::scenery::{Account, Answer, Replica, scene};

const DOMAINS: &str = "/api/organization/domains";

pub async fn proven(replica: &Replica, name: &str) -> Account {
    let who = replica.register(name).await;
    replica.verify(&who).await;
    who
}

async fn claim(replica: &Replica, by: &Account, domain: &str) -> Answer {
    replica.post(DOMAINS, Some(&by.token), json!({ "domain": domain })).await
}

/// Says that a domain is the organisation's; its id, and what proves it.
async fn claimed(replica: &Replica, by: &Account, domain: &str) -> (String, String) {
    let made = claim(replica, by, domain).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["recordName"], json!(format!("_14build-challenge.{domain}")));
    (made.body["id"].as_str().unwrap().to_owned(), made.body["recordValue"].as_str().unwrap().to_owned())
}

async fn verify(replica: &Replica, by: &Account, id: &str) -> Answer {
    replica.post(&format!("{DOMAINS}/{id}/verify"), Some(&by.token), json!({})).await
}

/// Proves a domain; its id.
pub async fn prove(replica: &Replica, by: &Account, domain: &str) -> String {
    let (id, value) = claimed(replica, by, domain).await;
    replica.records.publish(&format!("_14build-challenge.{domain}"), Some(&value));
    let answer = verify(replica, by, &id).await;
    assert!(answer.status == 200 && answer.body["provenAt"].is_string(), "{}", answer.body);
    id
}

async fn join(replica: &Replica, who: &Account, org: &str) -> Answer {
    replica.post(&format!("/api/joinable-organizations/{org}/join"), Some(&who.token), json!({})).await
}

/// Gives somebody another address, which is proven or not.
pub async fn readdress(db: &testkit::Database, who: &Account, address: &str, is_proven: bool) {
    let sql = format!(
        "update users set email = '{address}', email_key = '{address}', email_verified = {is_proven} where id = '{}'",
        who.user
    );
    db.run_sql(&sql).await;
}

#[actix_web::test]
async fn whoever_has_a_proven_address_of_a_proven_domain_may_join_and_is_a_member_once_they_ask() {
    let (db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    let (id, value) = claimed(&replica, &ada, "example.com").await;
    assert_eq!(verify(&replica, &ada, &id).await.refusal(), (409, "DOMAIN_NOT_PROVEN"));
    replica.records.publish("_14build-challenge.example.com", Some("14build-domain=of-somebody-else"));
    assert_eq!(verify(&replica, &ada, &id).await.refusal(), (409, "DOMAIN_NOT_PROVEN"));
    assert_eq!(replica.get("/api/joinable-organizations", &bob.token).await.body["data"], json!([]));
    assert_eq!(join(&replica, &bob, &ada.org).await.refusal(), (404, "NOT_FOUND"), "claimed is not proven");
    replica.records.publish("_14build-challenge.example.com", Some(&value));
    assert_eq!(verify(&replica, &ada, &id).await.status, 200);

    let members = format!("select count(*) from memberships where org_id = '{}'", ada.org);
    assert_eq!(db.query(&members).await, ["1"], "nobody is made a member");
    let listed = replica.get("/api/joinable-organizations", &bob.token).await.body;
    assert_eq!((&listed["data"][0]["id"], &listed["nextCursor"]), (&json!(ada.org), &json!(null)));
    let joined = join(&replica, &bob, &ada.org).await;
    assert_eq!((joined.status.as_u16(), &joined.body["role"]), (200, &json!("member")), "{}", joined.body);
    assert_eq!(join(&replica, &bob, &ada.org).await.refusal(), (409, "ALREADY_MEMBER"));
    assert_eq!(replica.get("/api/joinable-organizations", &bob.token).await.body["data"], json!([]));
    let Content::MemberJoined { member, domain, .. } = replica.mails.to("ada@example.com").pop().unwrap().content else {
        panic!("told otherwise")
    };
    assert_eq!((member.as_str(), domain.as_deref()), ("bob", Some("example.com")));
    for (action, after) in [
        ("members.claim_domain", json!({ "domain": "example.com" })),
        ("members.prove_domain", json!({ "domain": "example.com" })),
        ("members.join", json!({ "role": "member", "domain": "example.com" })),
    ] {
        let trail = replica.get(&format!("/api/audit?action={action}"), &ada.token).await;
        assert_eq!(trail.body["data"][0]["after"], after, "{action}");
    }
    let one = format!("{DOMAINS}/{id}");
    assert_eq!(replica.delete(&one, &ada.token).await.status, 204);
    assert_eq!(replica.get(&one, &ada.token).await.status, 404);
    let carol = proven(&replica, "carol").await;
    assert_eq!(join(&replica, &carol, &ada.org).await.refusal(), (404, "NOT_FOUND"), "given up");
    assert_eq!(db.query(&members).await, ["2"], "who has joined stays");
}

#[actix_web::test]
async fn nobody_joins_by_an_address_that_is_unproven_looks_alike_or_stands_below() {
    let (db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    prove(&replica, &ada, "firm.example").await;
    for address in [
        "bob@mail.firm.example",
        "bob@firm.example.evil.example",
        "bob@notfirm.example",
        "bob@xn--firm.example",
        "firm.example@evil.example",
        "bob@example",
    ] {
        readdress(&db, &bob, address, true).await;
        assert_eq!(join(&replica, &bob, &ada.org).await.refusal(), (404, "NOT_FOUND"), "{address}");
        assert_eq!(replica.get("/api/joinable-organizations", &bob.token).await.body["data"], json!([]), "{address}");
    }
    readdress(&db, &bob, "bob@firm.example", false).await;
    assert_eq!(join(&replica, &bob, &ada.org).await.refusal(), (403, "EMAIL_NOT_VERIFIED"));
    assert_eq!(replica.get("/api/joinable-organizations", &bob.token).await.refusal(), (403, "EMAIL_NOT_VERIFIED"));
    readdress(&db, &bob, "bob@firm.example", true).await;
    assert_eq!(join(&replica, &bob, &OrgId::new().to_string()).await.refusal(), (404, "NOT_FOUND"), "another organisation");
    replica.suspensions.suspend(ada.org.parse().unwrap(), &decision(), mail_api::Language::English).await.unwrap();
    assert_eq!(replica.get("/api/joinable-organizations", &bob.token).await.body["data"], json!([]), "it is suspended");
    assert_eq!(join(&replica, &bob, &ada.org).await.refusal(), (404, "NOT_FOUND"));
    replica.suspensions.resume(ada.org.parse().unwrap(), &decision(), mail_api::Language::English).await.unwrap();
    assert_eq!(join(&replica, &bob, &ada.org).await.status, 200);
}

fn decision() -> kernel::Decision {
    kernel::Decision { operator: "Olga Operator".parse().unwrap(), reason: Some("unpaid".parse().unwrap()) }
}

#[actix_web::test]
async fn a_domain_that_two_claim_is_whose_proof_is_published_and_one_ones_alone() {
    let (_db, replica) = scene().await;
    let (ada, eve) = (proven(&replica, "ada").await, proven(&replica, "eve").await);
    let ((ours, our_value), (theirs, their_value)) =
        (claimed(&replica, &ada, "firm.example").await, claimed(&replica, &eve, "firm.example").await);
    assert_ne!(our_value, their_value);
    assert_eq!(claim(&replica, &ada, "FIRM.example").await.refusal(), (409, "DOMAIN_LISTED"));
    let name = "_14build-challenge.firm.example";
    replica.records.publish(name, Some(&our_value));
    assert_eq!(verify(&replica, &eve, &theirs).await.refusal(), (409, "DOMAIN_NOT_PROVEN"));
    assert_eq!(verify(&replica, &eve, &ours).await.refusal(), (404, "NOT_FOUND"), "another organisation's");
    assert_eq!(verify(&replica, &ada, &ours).await.status, 200);
    replica.records.publish(name, Some(&their_value));
    assert_eq!(verify(&replica, &eve, &theirs).await.refusal(), (409, "DOMAIN_TAKEN"));
    assert_eq!(replica.delete(&format!("{DOMAINS}/{ours}"), &eve.token).await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(replica.delete(&format!("{DOMAINS}/{ours}"), &ada.token).await.status, 204);
    assert_eq!(verify(&replica, &eve, &theirs).await.status, 200);
}

#[actix_web::test]
async fn a_domain_of_everybody_or_none_is_not_claimed_nor_by_who_is_unproven() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    assert_eq!(claim(&replica, &ada, "firm.example").await.refusal(), (403, "EMAIL_NOT_VERIFIED"));
    replica.verify(&ada).await;
    for (domain, code) in
        [("gmail.com", "PUBLIC_MAIL_DOMAIN"), ("mail.gmx.de", "PUBLIC_MAIL_DOMAIN"), ("nonsense", "INVALID_FORMAT")]
    {
        let refused = claim(&replica, &ada, domain).await;
        assert_eq!((refused.refusal(), &refused.body["errors"][0]["code"]), ((422, "INVALID"), &json!(code)), "{domain}");
    }
    for n in 0..20 {
        claimed(&replica, &ada, &format!("firm{n}.example")).await;
    }
    assert_eq!(claim(&replica, &ada, "one-more.example").await.refusal(), (409, "TOO_MANY_DOMAINS"));
}

#[actix_web::test]
async fn a_proven_domain_is_looked_at_again_and_lost_a_week_after_its_proof_is_gone() {
    let (db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    let id = prove(&replica, &ada, "example.com").await;
    let value = replica.get(&format!("{DOMAINS}/{id}"), &ada.token).await.body["recordValue"].as_str().unwrap().to_owned();
    let state = async || {
        let sql = "select (proven_at is not null)::text || ' ' || (missing_since is not null)::text from organization_domains";
        db.query(sql).await.remove(0)
    };
    let later = async |hours: u32| {
        let sql = format!(
            "update organization_domains set looked_at = looked_at - interval '{hours} hours', missing_since = missing_since - interval '{hours} hours'"
        );
        db.run_sql(&sql).await;
        replica.domains.look_again().await.unwrap();
        state().await
    };
    replica.records.publish("_14build-challenge.example.com", None);
    assert_eq!(later(23).await, "true false", "not yet");
    replica.records.silence(true);
    assert_eq!(later(2).await, "true false", "that nobody answers says nothing");
    replica.records.silence(false);
    assert_eq!(later(0).await, "true true");
    assert_eq!(join(&replica, &bob, &ada.org).await.refusal(), (404, "NOT_FOUND"), "while it is missing nobody joins by it");
    let told =
        || replica.mails.to("ada@example.com").iter().filter(|mail| mail.content.template() == Template::DomainMissing).count();
    assert_eq!(told(), 1);
    replica.records.publish("_14build-challenge.example.com", Some(&value));
    assert_eq!(later(24).await, "true false", "it is there again");
    replica.records.publish("_14build-challenge.example.com", None);
    assert_eq!(later(24).await, "true true");
    assert_eq!(later(6 * 24).await, "true true");
    assert_eq!(told(), 2, "once each time");
    assert_eq!(later(24).await, "false false", "a week after it was missed");
    assert_eq!(told(), 3);
    for (action, count) in [("members.miss_domain", 2), ("members.lose_domain", 1)] {
        let trail = replica.get(&format!("/api/audit?action={action}"), &ada.token).await;
        assert_eq!(trail.body["data"].as_array().map(Vec::len), Some(count), "{action}");
    }
    assert_eq!(later(48).await, "false false", "what is not proven is not looked at");
}

/// Lets so many hours pass since the proven domains were looked at and tried.
async fn pass(db: &testkit::Database, hours: u32) {
    let back = format!("- interval '{hours} hours'");
    db.run_sql(&format!(
        "update organization_domains set looked_at = looked_at {back}, tried_at = tried_at {back}, missing_since = missing_since {back}"
    ))
    .await;
}

#[actix_web::test]
async fn a_domain_of_which_nobody_says_anything_for_thirty_days_is_missing_and_lost_a_week_later() {
    let (db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    prove(&replica, &ada, "example.com").await;
    replica.records.silence(true);
    let later = async |hours: u32| {
        pass(&db, hours).await;
        replica.domains.look_again().await.unwrap();
        let sql = "select (proven_at is not null)::text || ' ' || (missing_since is not null)::text from organization_domains";
        db.query(sql).await.remove(0)
    };
    assert_eq!(later(30 * 24 - 1).await, "true false");
    assert_eq!(replica.get("/api/joinable-organizations", &bob.token).await.body["data"][0]["id"], json!(ada.org));
    assert_eq!(later(1).await, "true true");
    assert_eq!(join(&replica, &bob, &ada.org).await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(later(7 * 24 - 1).await, "true true");
    assert_eq!(later(1).await, "false false");
    for action in ["members.miss_domain", "members.lose_domain"] {
        let trail = replica.get(&format!("/api/audit?action={action}"), &ada.token).await;
        assert_eq!(trail.body["data"].as_array().map(Vec::len), Some(1), "{action}");
    }
}

#[actix_web::test]
async fn name_servers_that_do_not_answer_keep_no_other_domain_from_being_looked_at() {
    let (db, replica) = scene().await;
    let (ada, eve) = (proven(&replica, "ada").await, proven(&replica, "eve").await);
    prove(&replica, &ada, "firm.example").await;
    // As many as are looked at in one go, all of them looked at before the other.
    db.run_sql(&format!(
        "insert into organization_domains (org_id, id, domain, challenge, claimed_by, created_at, proven_at, looked_at, tried_at)
         select '{}', gen_random_uuid(), 'dead' || n || '.example', repeat('x', 50), '{}', now(), now(), now() - interval '1 hour', now()
         from generate_series(1, 100) n",
        eve.org, eve.user
    ))
    .await;
    pass(&db, 25).await;
    replica.records.publish("_14build-challenge.firm.example", None);
    replica.records.mute("dead");
    let missing = "select domain from organization_domains where missing_since is not null";
    let tried = "select count(*) from organization_domains where domain like 'dead%' and tried_at > now() - interval '1 minute'";
    for _ in 0..2 {
        replica.domains.look_again().await.unwrap();
    }
    assert_eq!(db.query(missing).await, ["firm.example"]);
    assert_eq!(db.query(tried).await, ["100"]);
}

#[actix_web::test]
async fn one_fault_does_not_end_the_looking() {
    let (db, replica) = scene().await;
    let (ada, eve) = (proven(&replica, "ada").await, proven(&replica, "eve").await);
    prove(&replica, &eve, "broken.example").await;
    prove(&replica, &ada, "firm.example").await;
    for domain in ["broken.example", "firm.example"] {
        replica.records.publish(&format!("_14build-challenge.{domain}"), None);
    }
    db.run_sql(
        "create function broken() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
         create trigger z_broken before update of missing_since on organization_domains for each row
             when (new.domain = 'broken.example' and new.missing_since is not null) execute function broken()",
    )
    .await;
    pass(&db, 25).await;
    assert!(replica.domains.look_again().await.is_err(), "it is told");
    let missing = "select domain from organization_domains where missing_since is not null";
    assert_eq!(db.query(missing).await, ["firm.example"], "and the other was looked at");
}
