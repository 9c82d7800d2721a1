//! The members of an organisation.

use std::sync::Arc;

use actix_web::test::TestRequest;
use auth_api::Sessions as _;
use kernel::OrgRole;
use serde_json::{Value, json};
use testkit::until;
use tokio::sync::Notify;

use crate::scenery::{Account, Answer, Replica, scene, with};

async fn into(replica: &Replica, who: &Account, org: &Account) -> Account {
    let body = json!({ "organizationId": org.org });
    Account::of(&replica.post("/api/auth/switch-organization", Some(&who.token), body).await)
}

fn emails(answer: &Answer) -> Vec<&str> {
    answer.body["data"].as_array().unwrap().iter().map(|m| m["email"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn the_members_are_listed_page_by_page() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    let answer = replica.join(&ada, &bob, "member").await;
    assert_eq!((answer.body["name"].as_str(), answer.body["role"].as_str()), (Some("bob"), Some("member")));
    assert_eq!(answer.body["organization"]["id"], json!(ada.org));
    let there = into(&replica, &bob, &ada).await;
    assert_eq!(emails(&replica.get("/api/users", &there.token).await), ["bob@example.com", "ada@example.com"]);
    let first = replica.get("/api/users?limit=1", &there.token).await;
    let cursor = first.body["nextCursor"].as_str().unwrap();
    let second = replica.get(&format!("/api/users?limit=1&cursor={cursor}"), &there.token).await;
    assert_eq!(
        (emails(&first), emails(&second), &second.body["nextCursor"]),
        (vec!["bob@example.com"], vec!["ada@example.com"], &Value::Null)
    );
}

#[actix_web::test]
async fn members_see_and_admins_manage_but_owners_are_for_owners() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let people = [replica.register("adm").await, replica.register("mem").await];
    replica.join(&ada, &people[0], "admin").await;
    replica.join(&ada, &people[1], "member").await;
    let [admin, member] = [into(&replica, &people[0], &ada).await, into(&replica, &people[1], &ada).await];
    let missing = |answer: &Answer| (answer.status.as_u16(), answer.body["missingPermission"].as_str().map(str::to_owned));
    let needs = |name: &str| (403, Some(name.to_owned()));

    assert_eq!(replica.get("/api/users", &member.token).await.status, 200);
    assert_eq!(missing(&replica.invite(&member, "x").await), needs("members.manage"));
    let path = |who: &Account| format!("/api/users/{}", who.user);
    assert_eq!(missing(&replica.put(&path(&admin), &member.token, json!({ "role": "member" })).await), needs("members.manage"));
    assert_eq!(missing(&replica.delete(&path(&admin), &member.token).await), needs("members.manage"));

    assert_eq!(
        missing(&replica.put(&path(&ada), &admin.token, json!({ "role": "member" })).await),
        needs("members.manage_owners")
    );
    assert_eq!(
        missing(&replica.put(&path(&member), &admin.token, json!({ "role": "owner" })).await),
        needs("members.manage_owners")
    );
    assert_eq!(missing(&replica.delete(&path(&ada), &admin.token).await), needs("members.manage_owners"));
    assert_eq!(replica.put(&path(&member), &admin.token, json!({ "role": "admin" })).await.body["role"], "admin");
    assert_eq!(replica.put(&path(&admin), &ada.token, json!({ "role": "owner" })).await.body["role"], "owner");
    assert_eq!(replica.put(&path(&ada), &admin.token, json!({ "role": "member" })).await.status, 200, "felt by the live session");
}

#[actix_web::test]
async fn the_same_role_again_changes_nothing_unless_an_owner_confirms_it() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let people = [replica.register("adm").await, replica.register("mem").await];
    replica.join(&ada, &people[0], "admin").await;
    replica.join(&ada, &people[1], "member").await;
    let admin = into(&replica, &people[0], &ada).await;
    let path = format!("/api/users/{}", people[1].user);
    let trail = async || {
        let entries = replica.get(&format!("/api/audit?entityType=member&entityId={}", people[1].user), &ada.token).await;
        entries.body["data"].as_array().unwrap().len()
    };
    let (before, told) = (replica.get(&path, &ada.token).await, trail().await);
    let same = replica.put(&path, &admin.token, json!({ "role": "member" })).await;
    assert_eq!((same.status.as_u16(), &same.body), (200, &before.body));
    assert_eq!(trail().await, told, "nothing happened");
    assert_eq!(replica.put(&path, &ada.token, json!({ "role": "member" })).await.status, 200);
    assert_eq!(trail().await, told + 1, "a grant by an owner counts for more");
}

#[actix_web::test]
async fn who_was_removed_a_moment_ago_invites_nobody() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let ctx = replica.auth.resolve(&ada.token).await.unwrap().ctx(kernel::RequestId::generate());
    db.run_sql("delete from memberships").await;
    let new = users_api::NewInvitation {
        email: "grace@example.com".into(),
        name: None,
        role: kernel::OrgRole::Member,
        language: mail_api::Language::English,
    };
    let refused = replica.users.invite(&ctx, new).await;
    assert!(matches!(refused, Err(users_api::Error::Denied(_))), "{refused:?}");
    assert_eq!(db.query("select count(*) from member_invitations").await, ["0"]);
}

#[actix_web::test]
async fn who_was_demoted_a_moment_ago_does_not_take_it_back() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "owner").await;
    let there = into(&replica, &bob, &ada).await;
    let ctx = async |who: &Account| replica.auth.resolve(&who.token).await.unwrap().ctx(kernel::RequestId::generate());
    let (ada_ctx, bob_ctx) = (ctx(&ada).await, ctx(&there).await);
    let (ada_id, bob_id) = (ada_ctx.user_id().unwrap(), bob_ctx.user_id().unwrap());
    // Both requests were permitted when they began. The organisation is held until both wait for it, the demotion first.
    let (held, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let holding = actix_web::rt::spawn({
        let (system, held, release) = (db.system_uow(), Arc::clone(&held), Arc::clone(&release));
        let sql = format!("select from organizations where org_id = '{}' for update", ada.org);
        async move {
            let held = system.write(async |tx| {
                use db::prelude::*;
                diesel::sql_query(sql).execute(tx.pg()).await.fault()?;
                held.notify_one();
                release.notified().await;
                Ok::<_, kernel::Fault>(())
            });
            held.await
        }
    });
    held.notified().await;
    let waiting = async |n: &str| {
        let sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        until("they wait", async || (db.query(sql).await == [n]).then_some(())).await;
    };
    let set = |ctx: &kernel::Ctx, user, role| {
        let (users, ctx) = (Arc::clone(&replica.users), ctx.clone());
        actix_web::rt::spawn(async move { users.set_role(&ctx, user, role, None).await })
    };
    let demotion = set(&ada_ctx, bob_id, OrgRole::Member);
    waiting("1").await;
    let (restored, revenge) = (set(&bob_ctx, bob_id, OrgRole::Owner), set(&bob_ctx, ada_id, OrgRole::Member));
    waiting("3").await;
    release.notify_one();
    holding.await.unwrap().unwrap();
    assert_eq!(demotion.await.unwrap().unwrap().role, OrgRole::Member);
    for refused in [restored.await.unwrap(), revenge.await.unwrap()] {
        assert!(matches!(&refused, Err(users_api::Error::Denied(_))), "{refused:?}");
    }
    let removed = replica.users.remove_member(&bob_ctx, ada_id, None).await;
    assert!(matches!(removed, Err(users_api::Error::Denied(_))), "{removed:?}");
    let new = users_api::NewInvitation {
        email: "x@example.com".into(),
        name: None,
        role: OrgRole::Member,
        language: mail_api::Language::English,
    };
    let invited = replica.users.invite(&bob_ctx, new).await;
    assert!(matches!(invited, Err(users_api::Error::Denied(_))), "{invited:?}");
    let roles = "select role from memberships where org_id = '{}' order by role desc".replace("{}", &ada.org);
    assert_eq!(db.query(&roles).await, ["owner", "member"]);
}

#[actix_web::test]
async fn the_last_owner_stays() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    let oneself = format!("/api/users/{}", ada.user);
    assert_eq!(replica.delete(&oneself, &ada.token).await.refusal(), (409, "LAST_OWNER"));
    replica.join(&ada, &bob, "admin").await;
    assert_eq!(replica.put(&oneself, &ada.token, json!({ "role": "admin" })).await.refusal(), (409, "LAST_OWNER"));
    assert_eq!(replica.delete(&oneself, &ada.token).await.refusal(), (409, "LAST_OWNER"));
    assert_eq!(replica.get("/api/audit/verify", &ada.token).await.body["valid"], true);
}

#[actix_web::test]
async fn a_removed_member_is_out_at_once_but_keeps_the_account() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "member").await;
    let there = into(&replica, &bob, &ada).await;
    let own = Account::of(&replica.login("bob").await);
    assert_eq!(own.org, ada.org, "the one used last");
    assert_eq!(replica.delete(&format!("/api/users/{}", bob.user), &ada.token).await.status, 204);
    assert!(!replica.is_live(&there.token).await && !replica.is_live(&own.token).await);
    assert_eq!(Account::of(&replica.login("bob").await).org, bob.org);
    assert_eq!(replica.delete(&format!("/api/users/{}", bob.user), &ada.token).await.status, 404);
}

#[actix_web::test]
async fn whoever_leaves_the_organisation_is_signed_out() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "member").await;
    let there = into(&replica, &bob, &ada).await;
    let left = replica.delete(&format!("/api/users/{}", bob.user), &there.token).await;
    assert_eq!((left.status.as_u16(), left.removed_cookies().len()), (204, 2));
    assert_eq!(left.header("clear-site-data"), r#""storage""#);
    assert!(!replica.is_live(&there.token).await);
}

#[actix_web::test]
async fn who_was_removed_from_the_last_organisation_gets_one_of_their_own() {
    let (db, replica) = scene().await;
    let bob = replica.register("bob").await;
    db.run_sql(&format!("delete from memberships where user_id = '{}'", bob.user)).await;
    assert!(!replica.is_live(&bob.token).await, "a session is as good as its membership");
    let answer = replica.login("bob").await;
    assert_eq!(
        (answer.status.as_u16(), answer.body["organization"]["name"].as_str(), answer.body["role"].as_str()),
        (200, Some("bob"), Some("owner"))
    );
}

#[actix_web::test]
async fn another_organisations_members_are_not_there() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    let path = format!("/api/users/{}", bob.user);
    assert_eq!(replica.get(&path, &ada.token).await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(replica.put(&path, &ada.token, json!({ "role": "member" })).await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(replica.delete(&path, &ada.token).await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(replica.get("/api/users/nonsense", &ada.token).await.status, 404);
}

#[actix_web::test]
async fn if_match_is_honoured() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let grace = replica.register("grace").await;
    replica.join(&ada, &grace, "member").await;
    let path = format!("/api/users/{}", grace.user);
    let path = path.as_str();
    let joined = replica.get(path, &ada.token).await;
    let put = async |tag: &str, role: &str| {
        let request = with(TestRequest::put().uri(path), Some(&ada.token)).insert_header(("If-Match", tag));
        replica.send(request.set_json(json!({ "role": role }))).await
    };
    assert_eq!(put("\"other\"", "admin").await.status, 412);
    let changed = put(joined.header("etag"), "admin").await;
    assert_eq!(changed.status, 200);
    assert_eq!(put(joined.header("etag"), "member").await.status, 412);
    let delete = with(TestRequest::delete().uri(path), Some(&ada.token)).insert_header(("If-Match", changed.header("etag")));
    assert_eq!(replica.send(delete).await.status, 204);
}

#[actix_web::test]
async fn a_role_that_manages_is_given_to_who_has_proven_the_address_and_less_to_anybody() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "member").await;
    // As members from before proofs are.
    db.run_sql(&format!("update users set email_verified = false where id = '{}'", bob.user)).await;
    let give = async |who: &Account, by: &Account, role: &str| {
        replica.put(&format!("/api/users/{}", who.user), &by.token, json!({ "role": role })).await
    };
    let refused = give(&bob, &ada, "admin").await;
    assert_eq!((refused.refusal(), &refused.body["errors"][0]["code"]), ((422, "INVALID"), &json!("EMAIL_NOT_VERIFIED")));
    assert_eq!(give(&bob, &ada, "member").await.status, 200);
    replica.verify(&bob).await;
    assert_eq!(give(&bob, &ada, "owner").await.status, 200);
    // Nobody has to prove anything to be given less.
    assert_eq!(give(&ada, &ada, "member").await.status, 200);
}
