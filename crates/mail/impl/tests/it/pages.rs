//! `/dev/mailbox`.

use mail_api::{Content, Language, Link, Mail, Recipient, Template};

use crate::world::{World, reset};

#[actix_web::test]
async fn a_developer_reads_each_mail_and_can_click_its_links() {
    let world = World::new().await;
    assert!(world.get("/dev/mailbox").await.body.contains("There is none yet."));
    let id = world.leave(reset("reset:1")).await;
    world.work().await;
    let list = world.get("/dev/mailbox").await;
    assert_eq!((list.status, list.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(list.body.contains(&format!("href=\"/dev/mailbox/{id}\">Setzen Sie Ihr Passwort neu</a>")), "{}", list.body);
    assert!(list.body.contains("Ada &lt;Ada@example.com&gt;"), "{}", list.body);
    let shown = world.get(&format!("/dev/mailbox/{id}")).await;
    assert!(shown.body.contains(&format!("src=\"/dev/mailbox/{id}/html\"")), "{}", shown.body);
    assert!(shown.body.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\""), "{}", shown.body);
    assert!(shown.body.contains("#token=t0ken") && shown.body.contains("Subject: Setzen"), "{}", shown.body);
    let policy = shown.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let letter = world.get(&format!("/dev/mailbox/{id}/html")).await;
    assert!(letter.body.contains("href=\"https://app.build14.example/reset-password#token=t0ken\""), "{}", letter.body);
    let policy = letter.header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'self'", "sandbox allow-popups allow-popups-to-escape-sandbox"] {
        assert!(policy.contains(part) && !policy.contains("script"), "{policy}");
    }
    assert_eq!(letter.header("x-frame-options"), "SAMEORIGIN");
    assert_eq!(shown.header("x-frame-options"), "DENY");
    let source = world.get(&format!("/dev/mailbox/{id}/source")).await;
    assert_eq!(source.header("content-type"), "text/plain; charset=utf-8");
    for gone in
        ["/dev/mailbox/x", "/dev/mailbox/01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11", "/dev/mailbox/x/html", "/dev/mailbox/x/source"]
    {
        assert_eq!(world.get(gone).await.status, 404, "{gone}");
    }
    assert_eq!(world.get("/dev/mailbox/mailbox.css").await.header("content-type"), "text/css; charset=utf-8");
}

#[actix_web::test]
async fn whatever_people_wrote_is_text_on_these_pages() {
    let world = World::new().await;
    let content = Content::MemberInvitation {
        inviter: "<script>alert(1)</script>".to_owned(),
        organization: "</title><img src=x onerror=alert(1)>".to_owned(),
        link: Link::to("/invitations"),
        until: Some(chrono::Utc::now() + chrono::TimeDelta::days(7)),
    };
    let to = Recipient::at("ada@example.com").named("<b>Ada</b>");
    let id = world.leave(Mail { key: "k".to_owned(), to, language: Language::English, content }).await;
    world.work().await;
    for page in ["/dev/mailbox".to_owned(), format!("/dev/mailbox/{id}"), format!("/dev/mailbox/{id}/html")] {
        let body = world.get(&page).await.body;
        assert!(!body.contains("<script") && !body.contains("<img src=x") && !body.contains("<b>Ada"), "{page}: {body}");
        assert!(body.contains("&lt;script&gt;"), "{page}: {body}");
    }
}

#[actix_web::test]
async fn every_template_can_be_looked_at_in_each_language() {
    let world = World::new().await;
    let list = world.get("/dev/mailbox/templates").await.body;
    for template in Template::ALL {
        for language in Language::ALL {
            let path = format!("/dev/mailbox/templates/{template}/{language}");
            assert!(list.contains(&format!("href=\"{path}\"")), "{path}: {list}");
            let page = world.get(&path).await;
            assert!(page.status == 200 && page.body.contains(&format!("src=\"{path}/html\"")), "{path}: {}", page.body);
            let letter = world.get(&format!("{path}/html")).await;
            assert!(
                letter.status == 200 && letter.body.contains(&format!("<html lang=\"{language}\">")),
                "{path}: {}",
                letter.body
            );
        }
    }
    for gone in ["/dev/mailbox/templates/nothing/en", "/dev/mailbox/templates/test/fr", "/dev/mailbox/templates/test/fr/html"] {
        assert_eq!(world.get(gone).await.status, 404, "{gone}");
    }
}

#[actix_web::test]
async fn no_server_in_production_shows_mail() {
    let world = World::of(false).await;
    let id = world.leave(reset("reset:1")).await;
    world.work().await;
    for path in [
        "/dev/mailbox".to_owned(),
        "/dev/mailbox/templates".to_owned(),
        "/dev/mailbox/templates/test/en".to_owned(),
        format!("/dev/mailbox/{id}"),
        format!("/dev/mailbox/{id}/html"),
        "/dev/mailbox/mailbox.css".to_owned(),
    ] {
        assert_eq!(world.get(&path).await.status, 404, "{path}");
    }
}
