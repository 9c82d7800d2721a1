//! Invitations by a link: it lets in who has a proven address of its domains, so many as it says, until it is over or taken back.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::scenery::{Account, Answer, Replica, scene};

const LINKS: &str = "/api/organization/invitation-links";

async fn make(replica: &Replica, by: &Account, body: Value) -> Answer {
    let made = replica.post(LINKS, Some(&by.token), body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made
}

fn token(made: &Answer) -> String {
    made.body["token"].as_str().unwrap().to_owned()
}

async fn join(replica: &Replica, who: &Account, token: &str) -> Answer {
    replica.post("/api/invitation-links/accept", Some(&who.token), json!({ "token": token })).await
}

/// Somebody who has proven `name@example.com`.
async fn proven(replica: &Replica, name: &str) -> Account {
    let who = replica.register(name).await;
    replica.verify(&who).await;
    who
}

#[actix_web::test]
async fn a_link_makes_members_and_says_so_to_who_made_it() {
    let (db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    let made =
        make(&replica, &ada, json!({ "label": "Site managers", "domains": ["Example.COM"], "maxUses": 2, "days": 1 })).await;
    let token = token(&made);
    let link = &made.body["link"];
    assert_eq!((&link["domains"], &link["role"], &link["uses"]), (&json!(["example.com"]), &json!("member"), &json!(0)));
    assert_eq!(made.body["path"], json!(format!("/join?token={token}")));
    let stored = db.query("select encode(token_hash, 'hex') || t::text from invitation_links t").await;
    assert!(stored.len() == 1 && !stored[0].contains(&token), "its hash alone is kept");

    let look = replica.post("/api/invitation-links/look", Some(&bob.token), json!({ "token": token })).await;
    assert_eq!(look.body["organization"]["id"], json!(ada.org));
    let joined = join(&replica, &bob, &token).await;
    assert_eq!((joined.status.as_u16(), &joined.body["role"]), (200, &json!("member")), "{}", joined.body);
    assert_eq!(join(&replica, &bob, &token).await.refusal(), (409, "ALREADY_MEMBER"));
    let one = format!("{LINKS}/{}", link["id"].as_str().unwrap());
    assert_eq!(replica.get(&one, &ada.token).await.body["uses"], 1, "who is a member already uses up nothing");
    assert_eq!(replica.get(LINKS, &ada.token).await.body["data"].as_array().map(Vec::len), Some(1));

    let told = replica.mails.to("ada@example.com").pop().unwrap();
    let mail_api::Content::MemberJoined { member, address, organization, label, .. } = told.content else {
        panic!("told otherwise")
    };
    assert_eq!(
        (member.as_str(), address.as_str(), organization.as_str(), label.as_deref()),
        ("bob", "bob@example.com", "ada works", Some("Site managers"))
    );
    let trail = replica.get("/api/audit?action=members.join", &ada.token).await;
    assert_eq!(trail.body["data"][0]["after"], json!({ "role": "member", "invitationLink": link["id"], "invitedBy": ada.user }));
    let granted =
        format!("select granter_role || granted_by from memberships where user_id = '{}' and org_id = '{}'", bob.user, ada.org);
    assert_eq!(db.query(&granted).await, [format!("owner{}", ada.user)]);
    for (action, count) in [("members.make_invitation_link", 1), ("members.revoke_invitation_link", 0)] {
        let trail = replica.get(&format!("/api/audit?action={action}"), &ada.token).await;
        assert_eq!(trail.body["data"].as_array().map(Vec::len), Some(count), "{action}");
    }
}

#[actix_web::test]
async fn nobody_joins_with_an_address_that_is_not_proven_or_of_another_domain() {
    let (db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, replica.register("bob").await);
    let open = token(&make(&replica, &ada, json!({})).await);
    assert_eq!(join(&replica, &bob, &open).await.refusal(), (403, "EMAIL_NOT_VERIFIED"));
    assert_eq!(join(&replica, &bob, "nonsense").await.refusal(), (403, "EMAIL_NOT_VERIFIED"), "nothing is said of the link");
    replica.verify(&bob).await;
    let narrow = token(&make(&replica, &ada, json!({ "domains": ["partner.example"] })).await);
    assert_eq!(join(&replica, &bob, &narrow).await.refusal(), (403, "DOMAIN_NOT_ALLOWED"));
    for address in
        ["bob@mail.partner.example", "bob@partner.example.evil.example", "bob@notpartner.example", "partner.example@evil.example"]
    {
        db.run_sql(&format!("update users set email = '{address}', email_key = '{address}' where id = '{}'", bob.user)).await;
        assert_eq!(join(&replica, &bob, &narrow).await.refusal(), (403, "DOMAIN_NOT_ALLOWED"), "{address}");
    }
    assert_eq!(db.query("select sum(uses) from invitation_links").await, ["0"]);
    let address = "bob@partner.example";
    db.run_sql(&format!("update users set email = '{address}', email_key = '{address}' where id = '{}'", bob.user)).await;
    assert_eq!(join(&replica, &bob, &narrow).await.status, 200);
}

#[actix_web::test]
async fn a_link_that_counts_no_more_leads_nowhere_whatever_the_reason() {
    let (db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    let spent = async |token: &str| {
        for path in ["accept", "look"] {
            let answer =
                replica.post(&format!("/api/invitation-links/{path}"), Some(&bob.token), json!({ "token": token })).await;
            assert_eq!(answer.refusal(), (409, "LINK_SPENT"), "{path}");
        }
        let page = replica.send(TestRequest::get().uri(&format!("/join?token={token}"))).await;
        assert_eq!(page.status, 410);
    };
    let revoked = make(&replica, &ada, json!({})).await;
    let one = format!("{LINKS}/{}", revoked.body["link"]["id"].as_str().unwrap());
    assert_eq!(replica.delete(&one, &bob.token).await.refusal(), (404, "NOT_FOUND"), "another organisation's");
    for _ in 0..2 {
        assert_eq!(replica.delete(&one, &ada.token).await.status, 204);
    }
    let trail = replica.get("/api/audit?action=members.revoke_invitation_link", &ada.token).await;
    assert_eq!(trail.body["data"].as_array().map(Vec::len), Some(1), "once");
    spent(&token(&revoked)).await;

    let over = make(&replica, &ada, json!({ "days": 1 })).await;
    db.run_sql(
        "alter table invitation_links disable trigger user;
         update invitation_links set created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day';
         alter table invitation_links enable trigger user",
    )
    .await;
    spent(&token(&over)).await;

    let good = token(&make(&replica, &ada, json!({})).await);
    let other = if good.ends_with('A') { "B" } else { "A" };
    for none in ["", "nonsense", &good[1..], &format!("{}{other}", &good[..63])] {
        let answer = replica.post("/api/invitation-links/accept", Some(&bob.token), json!({ "token": none })).await;
        assert!([(409, "LINK_SPENT"), (422, "INVALID")].contains(&answer.refusal()), "{none}: {}", answer.body);
    }
    // Of another organisation than it was made for there is no such link.
    let eve = proven(&replica, "eve").await;
    let theirs = token(&make(&replica, &eve, json!({})).await);
    spent(&format!("{}{}", &theirs[..21], &good[21..])).await;
    assert_eq!(join(&replica, &bob, &good).await.status, 200);
    spent(&good).await;
}

#[actix_web::test]
async fn no_more_join_at_a_time_than_a_link_says() {
    let (db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    let token = token(&make(&replica, &ada, json!({ "maxUses": 3 })).await);
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(proven(&replica, &format!("p{n}")).await);
    }
    let answers = futures::future::join_all(people.iter().map(|who| join(&replica, who, &token))).await;
    let mut codes: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [200, 200, 200, 409, 409, 409, 409, 409]);
    assert_eq!(db.query("select uses from invitation_links").await, ["3"]);
    let members = format!("select count(*) from memberships where org_id = '{}'", ada.org);
    assert_eq!(db.query(&members).await, ["4"]);
}

#[actix_web::test]
async fn the_links_of_who_may_no_longer_invite_lead_nowhere() {
    let (_db, replica) = scene().await;
    let (ada, eve, mallory) = (proven(&replica, "ada").await, proven(&replica, "eve").await, proven(&replica, "mallory").await);
    replica.join(&ada, &eve, "admin").await;
    let switch = json!({ "organizationId": ada.org });
    let admin = Account::of(&replica.post("/api/auth/switch-organization", Some(&eve.token), switch).await);
    let token = token(&make(&replica, &admin, json!({ "maxUses": 10 })).await);
    assert_eq!(replica.put(&format!("/api/users/{}", eve.user), &ada.token, json!({ "role": "member" })).await.status, 200);
    assert_eq!(join(&replica, &mallory, &token).await.refusal(), (409, "LINK_SPENT"));
    assert_eq!(replica.put(&format!("/api/users/{}", eve.user), &ada.token, json!({ "role": "admin" })).await.status, 200);
    assert_eq!(join(&replica, &mallory, &token).await.refusal(), (409, "LINK_SPENT"), "it was taken back for good");
    let trail = replica.get("/api/audit?action=members.revoke_invitation_links", &ada.token).await;
    assert_eq!(trail.body["data"][0]["after"], json!({ "count": 1 }));
}

#[actix_web::test]
async fn who_has_not_proven_their_own_address_makes_no_link_and_what_is_wrong_is_told() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    assert_eq!(replica.post(LINKS, Some(&ada.token), json!({})).await.refusal(), (403, "EMAIL_NOT_VERIFIED"));
    replica.verify(&ada).await;
    let wrong = json!({ "domains": ["example.com", "@example.com", "EXAMPLE.com"], "maxUses": 1001, "days": 91 });
    let refused = replica.post(LINKS, Some(&ada.token), wrong).await;
    assert_eq!(refused.refusal(), (422, "INVALID"));
    for _ in 0..50 {
        make(&replica, &ada, json!({})).await;
    }
    assert_eq!(replica.post(LINKS, Some(&ada.token), json!({})).await.refusal(), (409, "TOO_MANY_LINKS"));
}

#[actix_web::test]
async fn the_page_of_a_link_joins_who_is_signed_in_in_this_browser() {
    let (db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, replica.register("bob").await);
    let token = token(&make(&replica, &ada, json!({ "domains": ["example.com"], "maxUses": 2 })).await);
    let open = async |language: &'static str| {
        let page = TestRequest::get().uri(&format!("/join?token={token}")).insert_header(("Accept-Language", language));
        replica.send(page).await
    };
    let press = async |cookie: Option<&str>, site: &'static str| {
        let request = TestRequest::post()
            .uri("/join")
            .insert_header(("Host", "build14.example"))
            .set_form(&[("token", token.as_str())][..]);
        let request = request.insert_header(("Origin", "null")).insert_header(("Sec-Fetch-Site", site));
        replica
            .send(match cookie {
                Some(session) => request.insert_header(("Cookie", format!("__Host-session={session}"))),
                None => request,
            })
            .await
    };
    for _ in 0..3 {
        let page = open("en").await;
        let html = page.body.as_str().unwrap();
        assert!(page.status == 200 && html.contains("ada works") && html.contains("action=\"/join\""), "{html}");
        assert!(!html.contains("<script") && page.header("referrer-policy") == "no-referrer", "{:?}", page.headers);
    }
    assert!(open("de").await.body.as_str().unwrap().contains("Mitglied von ada works"));
    assert_eq!(press(None, "same-origin").await.status, 401, "nobody is signed in");
    assert_eq!(press(Some(&bob.token), "cross-site").await.refusal(), (403, "ORIGIN_NOT_ALLOWED"));
    let unproven = press(Some(&bob.token), "same-origin").await;
    assert!(unproven.status == 403 && unproven.body.as_str().unwrap().contains("Prove your address first"), "{}", unproven.body);
    assert_eq!(db.query("select uses from invitation_links").await, ["0"]);
    replica.verify(&bob).await;
    let joined = press(Some(&bob.token), "same-origin").await;
    assert!(joined.status == 200 && joined.body.as_str().unwrap().contains("You are a member"), "{}", joined.body);
    assert!(!joined.body.as_str().unwrap().contains(&token));
    assert_eq!(press(Some(&bob.token), "same-origin").await.status, 409);
    assert_eq!(db.query("select uses from invitation_links").await, ["1"]);
}
