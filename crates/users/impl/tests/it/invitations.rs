//! Invitations by address: nothing happens to anybody before they accept, and nobody learns whose an address is.

use serde_json::{Value, json};

use actix_web::test::TestRequest;

use crate::mailed_page::{MailedPage, says};
use crate::scenery::{Account, Answer, PASSWORD, scene, with};

/// What an answer says but for what differs between any two: ids and times.
fn alike(answer: &Answer) -> (u16, Value) {
    let mut body = answer.body.clone();
    for member in ["id", "createdAt", "email", "requestId"] {
        if let Some(object) = body.as_object_mut() {
            object.remove(member);
        }
    }
    (answer.status.as_u16(), body)
}

#[actix_web::test]
async fn the_answer_is_the_same_whether_the_email_is_known_or_not() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.verify(&ada).await;
    let known = replica.post("/api/users", Some(&ada.token), json!({ "email": "BOB@example.com" })).await;
    let unknown = replica.post("/api/users", Some(&ada.token), json!({ "email": "GRACE@example.com" })).await;
    assert_eq!(known.status, 201, "{}", known.body);
    assert_eq!(alike(&known), alike(&unknown));
    assert_eq!(known.body["email"], "BOB@example.com");
    for role in ["admin", "owner"] {
        let refuse = async |email: &str| {
            let body = json!({ "email": email, "role": role });
            let answer = replica.post("/api/users", Some(&ada.token), body).await;
            (answer.status.as_u16(), answer.body["errors"].clone())
        };
        let refused = refuse("bob@example.com").await;
        assert_eq!(refused, refuse("nobody@example.com").await);
        assert_eq!(
            (refused.0, &refused.1[0]["pointer"], &refused.1[0]["code"]),
            (422, &json!("/role"), &json!("ROLE_AFTER_JOINING"))
        );
    }
    assert_eq!(replica.invite(&ada, "bob").await.refusal(), (409, "ALREADY_INVITED"));
    assert_eq!(replica.invite(&ada, "grace").await.refusal(), (409, "ALREADY_INVITED"));
    // Nothing happened to bob, and nobody was made.
    assert_eq!(db.query("select count(*) from users").await, ["2"]);
    assert_eq!(db.query(&format!("select count(*) from memberships where user_id = '{}'", bob.user)).await, ["1"]);
    let listed = replica.get("/api/organization/invitations", &ada.token).await;
    let emails: Vec<_> = listed.body["data"].as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap()).collect();
    assert_eq!(emails, ["GRACE@example.com", "BOB@example.com"]);
}

#[actix_web::test]
async fn who_signs_in_with_the_address_accepts_and_is_a_member() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let invited = replica.invite(&ada, "grace").await;
    assert_eq!(invited.header("location"), format!("/api/organization/invitations/{}", invited.body["id"].as_str().unwrap()));
    assert_eq!(replica.get(invited.header("location"), &ada.token).await.body, invited.body);
    // Registered later, with another spelling of the address.
    let body = json!({ "email": "Ｇrace@ＥXAMPLE.com", "password": PASSWORD, "name": "Grace", "organizationName": "Hopper" });
    let grace = Account::of(&replica.post("/api/auth/register", None, body).await);
    // Registered is not proven: whoever claims an address gets nothing that waits for it.
    let path = format!("/api/invitations/{}/accept", invited.body["id"].as_str().unwrap());
    for verb in [&path, &path.replace("accept", "decline")] {
        assert_eq!(replica.post(verb, Some(&grace.token), json!(null)).await.refusal(), (403, "EMAIL_NOT_VERIFIED"));
    }
    assert_eq!(replica.get("/api/invitations", &grace.token).await.refusal(), (403, "EMAIL_NOT_VERIFIED"));
    replica.verify(&grace).await;
    let own = replica.get("/api/invitations", &grace.token).await;
    let one = &own.body["data"][0];
    assert_eq!((&one["organization"]["id"], &one["invitedBy"], &one["role"]), (&json!(ada.org), &json!("ada"), &json!("member")));
    let accept = format!("/api/invitations/{}/accept", one["id"].as_str().unwrap());
    let joined = replica.post(&accept, Some(&grace.token), json!(null)).await;
    assert_eq!(joined.status, 200, "{}", joined.body);
    assert_eq!((&joined.body["role"], &joined.body["organization"]["id"]), (&json!("member"), &json!(ada.org)));
    let again = replica.post(&accept, Some(&grace.token), json!(null)).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &joined.body), "bears repetition");
    assert_eq!(replica.get("/api/invitations", &grace.token).await.body["data"], json!([]));
    assert_eq!(replica.get(invited.header("location"), &ada.token).await.status, 404, "answered");
    assert_eq!(replica.invite(&ada, "grace").await.refusal(), (409, "ALREADY_MEMBER"));
    let trail = replica.get("/api/audit?action=members.join", &ada.token).await;
    let entry = &trail.body["data"][0];
    assert_eq!((&entry["actorId"], &entry["after"]["invitedBy"]), (&json!(grace.user), &json!(ada.user)));
    // Who was removed does not come back by the old invitation.
    assert_eq!(replica.delete(&format!("/api/users/{}", grace.user), &ada.token).await.status, 204);
    assert_eq!(replica.post(&accept, Some(&grace.token), json!(null)).await.refusal(), (404, "NOT_FOUND"));
}

#[actix_web::test]
async fn an_invitation_is_for_its_address_alone_and_can_be_declined_or_withdrawn() {
    let (_db, replica) = scene().await;
    let (ada, bob, eve) = (replica.register("ada").await, replica.register("bob").await, replica.register("eve").await);
    replica.verify(&bob).await;
    replica.verify(&eve).await;
    let id = |answer: &Answer| answer.body["id"].as_str().unwrap().to_owned();
    let first = id(&replica.invite(&ada, "bob").await);
    for verb in ["accept", "decline"] {
        let path = format!("/api/invitations/{first}/{verb}");
        assert_eq!(replica.post(&path, Some(&eve.token), json!(null)).await.refusal(), (404, "NOT_FOUND"));
        assert_eq!(replica.post(&path, Some(&ada.token), json!(null)).await.refusal(), (404, "NOT_FOUND"));
    }
    assert_eq!(replica.get("/api/invitations", &eve.token).await.body["data"], json!([]));
    assert_eq!(replica.delete(&format!("/api/organization/invitations/{first}"), &eve.token).await.status, 404);
    assert_eq!(replica.post(&format!("/api/invitations/{first}/decline"), Some(&bob.token), json!(null)).await.status, 204);
    assert_eq!(replica.post(&format!("/api/invitations/{first}/accept"), Some(&bob.token), json!(null)).await.status, 404);
    let trail = replica.get("/api/audit?action=members.decline_invitation", &ada.token).await;
    assert_eq!(trail.body["data"][0]["actorId"], json!(null), "by nobody that the organisation would learn of");
    let second = id(&replica.invite(&ada, "bob").await);
    assert_eq!(replica.delete(&format!("/api/organization/invitations/{second}"), &ada.token).await.status, 204);
    assert_eq!(replica.delete(&format!("/api/organization/invitations/{second}"), &ada.token).await.status, 404);
    assert_eq!(replica.post(&format!("/api/invitations/{second}/accept"), Some(&bob.token), json!(null)).await.status, 404);
}

#[actix_web::test]
async fn who_may_no_longer_invite_has_invited_nobody() {
    let (_db, replica) = scene().await;
    let (ada, eve, mallory) = (replica.register("ada").await, replica.register("eve").await, replica.register("mallory").await);
    replica.verify(&mallory).await;
    let id = |answer: &Answer| answer.body["id"].as_str().unwrap().to_owned();
    for leaves in [true, false] {
        replica.join(&ada, &eve, "admin").await;
        let token = Account::of(&replica.login("eve").await).token;
        let switch = json!({ "organizationId": ada.org });
        let admin = Account::of(&replica.post("/api/auth/switch-organization", Some(&token), switch).await);
        let given = id(&replica.invite(&admin, "mallory").await);
        let member = format!("/api/users/{}", eve.user);
        if leaves {
            assert_eq!(replica.delete(&member, &ada.token).await.status, 204);
        } else {
            assert_eq!(replica.put(&member, &ada.token, json!({ "role": "member" })).await.status, 200);
        }
        let accept = format!("/api/invitations/{given}/accept");
        assert_eq!(replica.post(&accept, Some(&mallory.token), json!(null)).await.refusal(), (404, "NOT_FOUND"), "{leaves}");
        assert_eq!(replica.get("/api/invitations", &mallory.token).await.body["data"], json!([]));
    }
    let trail = replica.get("/api/audit?action=members.withdraw_invitations", &ada.token).await;
    assert_eq!(trail.body["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(trail.body["data"][0]["after"], json!({ "count": 1 }));
}

#[actix_web::test]
async fn invitations_to_an_address_are_read_page_by_page() {
    let (db, replica) = scene().await;
    let grace = replica.register("grace").await;
    replica.verify(&grace).await;
    let mut organizations = Vec::new();
    for name in ["ada", "bob", "carol"] {
        let by = replica.register(name).await;
        assert_eq!(replica.invite(&by, "grace").await.status, 201);
        organizations.push(by.org);
    }
    db.run_sql(
        "alter table member_invitations disable trigger user;
         update member_invitations set created_at = date_trunc('hour', created_at);
         alter table member_invitations enable trigger user",
    )
    .await;
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    for more in [true, true, false] {
        let page = replica.get(&format!("/api/invitations?limit=1{cursor}"), &grace.token).await;
        seen.push(page.body["data"][0]["organization"]["id"].as_str().unwrap().to_owned());
        assert_eq!(page.body["nextCursor"].is_string(), more, "{}", page.body);
        cursor = format!("&cursor={}", page.body["nextCursor"].as_str().unwrap_or_default());
    }
    seen.sort();
    organizations.sort();
    assert_eq!(seen, organizations, "each once, also of one instant");
}

#[actix_web::test]
async fn inviting_twice_under_one_key_invites_once() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    replica.verify(&ada).await;
    let send = async || {
        let request = with(TestRequest::post().uri("/api/users"), Some(&ada.token)).insert_header(("Idempotency-Key", "k-1"));
        replica.send(request.set_json(json!({ "email": "grace@example.com", "name": "Grace" }))).await
    };
    let (first, again) = (send().await, send().await);
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(first.body, again.body);
    assert_eq!(again.header("idempotency-replayed"), "true");
}

#[actix_web::test]
async fn spellings_of_one_address_are_one_person_and_look_alikes_are_refused() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let register = async |email: &str, name: &str| {
        let body = json!({ "email": email, "password": PASSWORD, "name": name, "organizationName": "Works" });
        replica.post("/api/auth/register", None, body).await
    };
    for email in ["ａｄａ@example.com", "ADA@ｅxample.com", "ada@Example.COM"] {
        assert_eq!(register(email, "x").await.refusal(), (409, "EMAIL_TAKEN"), "{email}");
    }
    let refused = [
        "a\u{200b}da@example.com",
        "ada@exam\u{ad}ple.com",
        "\u{202e}ada@example.com",
        "ad\u{430}@example.com",
        "ada@ex\u{430}mple.com",
        // All Cyrillic for `scope`, and a dotless i.
        "\u{455}\u{441}\u{43e}\u{440}\u{435}@example.com",
        "adr\u{131}an@example.com",
        "Ada <ada@example.com>",
    ];
    for email in refused {
        let registered = register(email, "x").await;
        assert_eq!(
            (registered.refusal(), &registered.body["errors"][0]["pointer"]),
            ((422, "INVALID"), &json!("/email")),
            "{email:?}"
        );
        let invited = replica.post("/api/users", Some(&ada.token), json!({ "email": email })).await;
        assert_eq!((invited.refusal(), &invited.body["errors"][0]["pointer"]), ((422, "INVALID"), &json!("/email")), "{email:?}");
    }
    assert_eq!(register("jürgen@bücher.example", "Jürgen").await.status, 201);
    let login = json!({ "email": "JU\u{308}RGEN@xn--bcher-kva.example", "password": PASSWORD });
    assert_eq!(replica.post("/api/auth/login", None, login).await.status, 200);
    for name in ["\u{200b}", "\u{3164}", "A\u{202e}da"] {
        let answer = register("new@example.com", name).await;
        assert_eq!((answer.refusal(), &answer.body["errors"][0]["pointer"]), ((422, "INVALID"), &json!("/name")), "{name:?}");
        assert_eq!(replica.patch("/api/user", &ada.token, json!({ "name": name })).await.status, 422, "{name:?}");
        assert_eq!(replica.patch("/api/organization", &ada.token, json!({ "name": name })).await.status, 422, "{name:?}");
        assert_eq!(replica.post("/api/organizations", Some(&ada.token), json!({ "name": name })).await.status, 422, "{name:?}");
    }
}

#[actix_web::test]
async fn of_addresses_that_look_the_same_one_has_an_account() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    replica.verify(&ada).await;
    let register = async |email: &str| {
        let body = json!({ "email": email, "password": PASSWORD, "name": "x", "organizationName": "Works" });
        replica.post("/api/auth/register", None, body).await
    };
    // A dotless i among letters that ASCII has no double of; Cyrillic beside Latin under a Cyrillic domain.
    for (first, look_alike) in
        [("j\u{fc}rgin@example.com", "j\u{fc}rg\u{131}n@example.com"), ("\u{43e}\u{441}\u{430}@пример.рф", "oca@пример.рф")]
    {
        assert_eq!(register(first).await.status, 201, "{first}");
        let refused = register(look_alike).await;
        assert_eq!(refused.refusal(), (409, "EMAIL_TAKEN"), "{look_alike}");
        let detail = refused.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("looks the same"), "{}", refused.body);
        let login = json!({ "email": look_alike, "password": PASSWORD });
        assert_eq!(replica.post("/api/auth/login", None, login).await.refusal(), (401, "WRONG_CREDENTIALS"), "and is nobody's");
        // An invitation of it waits for nobody.
        let invited = replica.post("/api/users", Some(&ada.token), json!({ "email": look_alike })).await;
        assert_eq!(invited.status, 201, "{}", invited.body);
    }
    assert_eq!(db.query("select count(*) from users").await, ["3"]);
    // What only looks alike in ASCII is another address.
    for email in ["modem@example.com", "modern@example.com", "bob1@example.com", "bobl@example.com"] {
        assert_eq!(register(email).await.status, 201, "{email}");
    }
    // Not even the platform makes two of one look.
    db.run_sql(
        "do $$ begin
             update users set email_look = 'bobl@example.com' where email_key = 'bob1@example.com';
             raise 'two accounts of one look';
         exception when unique_violation then null; end $$",
    )
    .await;
}

#[actix_web::test]
async fn who_has_proven_their_own_address_invites_and_the_invitation_is_mailed() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let early = replica.post("/api/users", Some(&ada.token), json!({ "email": "grace@example.com" })).await;
    assert_eq!(early.refusal(), (403, "EMAIL_NOT_VERIFIED"));
    let oneself = format!("/api/users/{}", ada.user);
    assert_eq!(replica.put(&oneself, &ada.token, json!({ "role": "owner" })).await.refusal(), (403, "EMAIL_NOT_VERIFIED"));
    assert!(replica.mails.to("grace@example.com").is_empty(), "in nobody's name");
    let invited = replica.invite(&ada, "hedy").await;
    let mails = replica.mails.to("hedy@example.com");
    let [mail] = &mails[..] else { panic!("one mail") };
    let mail_api::Content::MemberInvitation { inviter, organization, link, until } = &mail.content else {
        panic!("{:?}", mail.content)
    };
    assert_eq!((inviter.as_str(), organization.as_str(), *until), ("ada", "ada works", None));
    assert_eq!(link.as_str(), format!("/invitation?id={}", invited.body["id"].as_str().unwrap()));
}

#[actix_web::test]
async fn the_page_of_a_mailed_invitation_makes_a_member_of_whom_it_is_for_alone() {
    let (_db, replica) = scene().await;
    let (ada, bob, eve) = (replica.register("ada").await, replica.register("bob").await, replica.register("eve").await);
    let invited = replica.invite(&ada, "bob").await;
    let id = invited.body["id"].as_str().unwrap();
    let page = MailedPage { replica: &replica, path: "/invitation", id };
    let (bobs, eves) = (Some(&bob), Some(&eve));
    says(&page.open(None).await, 401, "Sign in first");
    says(&page.press(None, "same-origin").await, 401, "Sign in first");
    says(&page.open(bobs).await, 403, "Prove your address first");
    says(&page.press(bobs, "same-origin").await, 403, "Prove your address first");
    for who in [&bob, &eve] {
        replica.verify(who).await;
    }
    says(&page.open(eves).await, 410, "no such invitation for you");
    says(&page.press(eves, "same-origin").await, 410, "no such invitation for you");
    says(&MailedPage { id: "nonsense", ..page }.open(bobs).await, 410, "no such invitation for you");

    for _ in 0..2 {
        let opened = page.open(bobs).await;
        says(&opened, 200, "ada invites you to become a member of ada works.");
        assert!(!opened.body.as_str().unwrap().contains("<script") && opened.header("referrer-policy") == "no-referrer");
    }
    assert_eq!(page.press(bobs, "cross-site").await.refusal(), (403, "ORIGIN_NOT_ALLOWED"));
    for _ in 0..2 {
        says(&page.press(bobs, "same-origin").await, 200, "You are a member");
    }
    says(&page.open(bobs).await, 410, "no such invitation for you");
    let members = replica.get("/api/users", &ada.token).await;
    assert!(members.body.to_string().contains("bob@example.com"), "{}", members.body);
}

#[actix_web::test]
async fn an_invitation_is_mailed_again_a_bounded_number_of_times_and_not_at_short_notice() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    let invited = replica.invite(&ada, "grace").await;
    let again = format!("/api/organization/invitations/{}/resend", invited.body["id"].as_str().unwrap());
    let resend = async |who: &Account| replica.post(&again, Some(&who.token), json!({})).await;
    let soon = resend(&ada).await;
    assert_eq!(soon.refusal(), (429, "RATE_LIMITED"));
    assert!(soon.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1..=600).contains(&seconds)));
    replica.verify(&bob).await;
    assert_eq!(resend(&bob).await.refusal(), (404, "NOT_FOUND"), "another organisation's");
    for mailed in 2..=5 {
        db.run_sql("update member_invitations set mailed_at = mailed_at - interval '10 minutes'").await;
        let answer = resend(&ada).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &invited.body));
        assert_eq!(replica.mails.to("grace@example.com").len(), mailed);
    }
    db.run_sql("update member_invitations set mailed_at = mailed_at - interval '10 minutes'").await;
    assert_eq!(resend(&ada).await.refusal(), (409, "MAILED_OFTEN"));
    assert_eq!(replica.mails.to("grace@example.com").len(), 5);
    let trail = replica.get("/api/audit?action=members.resend_invitation", &ada.token).await;
    assert_eq!(trail.body["data"][0]["after"], json!({ "mailed": 5 }));
    let grace = replica.register("grace").await;
    replica.verify(&grace).await;
    let id = invited.body["id"].as_str().unwrap();
    replica.post(&format!("/api/invitations/{id}/decline"), Some(&grace.token), json!(null)).await;
    assert_eq!(resend(&ada).await.refusal(), (404, "NOT_FOUND"), "it was answered");
}
