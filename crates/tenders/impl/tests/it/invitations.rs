//! Invitations by e-mail: of the person who acts, and nobody's in the owner's eyes.

use escrow_api::ContractActivated;
use kernel::{Ctx, OrgRole, PageRequest, RequestId, TenderId};
use tenders_api::*;
use testkit::Party;
use uow::EventId;

use crate::world::{World, code, faults};

/// Gives the person this e-mail.
async fn known(w: &World, person: &Party, email: &str) {
    w.db.run_sql(&format!("update users set email = '{email}', email_key = '{email}' where id = '{}'", person.user)).await;
}

async fn limited(w: &World) -> TenderId {
    let draft = Draft { method: ProcurementMethod::Limited, ..w.draft() };
    w.service.create(&w.owner.ctx(), draft).await.unwrap().tender.id
}

async fn by_email(w: &World, tender: TenderId, email: &str) -> Invitation {
    w.service.invite(&w.owner.ctx(), tender, Invitee::Email(email.into())).await.unwrap()
}

#[tokio::test]
async fn an_email_tells_the_owner_nothing_of_whose_it_is() {
    let w = World::new().await;
    known(&w, &w.stone, "bids@stone.example").await;
    w.db.run_sql(&format!("insert into credentials (user_id, password_hash) values ('{}', '$argon2id$')", w.stone.user)).await;
    let tender = limited(&w).await;
    let known = by_email(&w, tender, " Bids@Stone.example ").await;
    let unknown = by_email(&w, tender, "Bids@Nobody.example").await;
    let alike = |made: &Invitation| Invitation { id: unknown.id, created_at: unknown.created_at, ..made.clone() };
    assert_eq!(known.invitee, Invitee::Email("Bids@Stone.example".into()));
    assert_eq!(Invitation { invitee: unknown.invitee.clone(), ..alike(&known) }, unknown);
    w.service.publish(&w.owner.ctx(), tender).await.unwrap();
    assert!(w.service.get(&w.stone.ctx(), tender).await.unwrap().invited);
    let rows = "select count(*)::text from tender_invitations where invited_org_id is not null";
    assert_eq!(w.sql(w.owner.org, rows).await.unwrap(), ["0"]);
    // Nor is another organisation in the way that has the person as a member, nor the same invitation by name.
    w.service.invite(&w.owner.ctx(), tender, Invitee::Organization(w.stone.org)).await.unwrap();
    assert_eq!(
        code(w.service.invite(&w.owner.ctx(), tender, Invitee::Email("BIDS@stone.example".into())).await),
        "ALREADY_INVITED"
    );
    let moved = format!("update tender_invitations set invited_org_id = '{}'", w.acme.org);
    assert_eq!(w.sql(w.owner.org, &moved).await.unwrap_err(), "permission denied for table tender_invitations");
}

#[tokio::test]
async fn an_email_is_an_invitation_whoever_has_it() {
    let w = World::new().await;
    let tender = limited(&w).await;
    let publish = async || w.service.publish(&w.owner.ctx(), tender).await;
    assert_eq!(faults(publish().await), ["/procurementMethod NO_INVITATION"]);
    by_email(&w, tender, "bids@stone.example").await;
    assert_eq!(publish().await.unwrap().tender.tender.status, TenderStatus::Published);
    assert_eq!(code(w.service.get(&w.stone.ctx(), tender).await), "NOT_FOUND");
    // A person of two organisations is invited in either: their address says nothing about which.
    known(&w, &w.stone, "bids@stone.example").await;
    w.db.run_sql(&format!(
        "insert into memberships (org_id, user_id, role) values ('{}', '{}', 'member')",
        w.acme.org, w.stone.user
    ))
    .await;
    let in_acme = Party { org: w.acme.org, user: w.stone.user, role: OrgRole::Member };
    assert!(w.service.get(&w.stone.ctx(), tender).await.unwrap().invited);
    assert!(w.service.get(&in_acme.ctx(), tender).await.unwrap().invited);
    assert_eq!(code(w.service.get(&w.acme.ctx(), tender).await), "NOT_FOUND", "a colleague's invitation");
}

#[tokio::test]
async fn an_email_has_one_form_for_all_routes() {
    let w = World::new().await;
    let tender = limited(&w).await;
    for email in ["Ada <ada@stone.example>", "a\u{200b}da@stone.example", "ada@st\u{43e}ne.example", "ada"] {
        let refused = w.service.invite(&w.owner.ctx(), tender, Invitee::Email(email.into())).await;
        assert!(faults(refused)[0].starts_with("/email "), "{email:?}");
    }
    let made = by_email(&w, tender, "ＪÜrgen@bücher.example").await;
    assert_eq!(made.invitee, Invitee::Email("JÜrgen@bücher.example".into()));
    let twice = w.service.invite(&w.owner.ctx(), tender, Invitee::Email("ju\u{308}rgen@xn--bcher-kva.example".into())).await;
    assert_eq!(code(twice), "ALREADY_INVITED");
}

#[tokio::test]
async fn titles_are_visible_text() {
    let w = World::new().await;
    for title in ["\u{200b}", "\u{3164}", "A\u{202e}B", " "] {
        let draft = Draft { title: title.into(), ..w.draft() };
        assert!(faults(w.service.create(&w.owner.ctx(), draft).await)[0].starts_with("/title "), "{title:?}");
    }
    let draft = Draft { title: " Mu\u{308}hle ".into(), ..w.draft() };
    assert_eq!(w.service.create(&w.owner.ctx(), draft).await.unwrap().tender.title, "Mühle");
}

#[tokio::test]
async fn a_live_bid_binds_its_bidder_until_the_tender_is_decided() {
    let w = World::new().await;
    let platform = |org| Ctx::system(org, RequestId::generate());
    let bound =
        async |org| w.service.live_bids(&platform(org)).await.unwrap().into_iter().map(|bid| bid.tender).collect::<Vec<_>>();
    let tender = limited(&w).await;
    by_email(&w, tender, "bids@stone.example").await;
    known(&w, &w.stone, "bids@stone.example").await;
    w.service.publish(&w.owner.ctx(), tender).await.unwrap();
    assert_eq!(bound(w.stone.org).await, []);
    w.bid(&w.stone, tender, "10").await;
    // Whoever could see the tender is gone: the platform still knows.
    assert_eq!(bound(w.stone.org).await, [tender]);
    assert_eq!(bound(w.owner.org).await, []);
    let gone = format!("delete from memberships where user_id = '{}'", w.stone.user);
    let refused = w.sql(w.stone.org, &format!("{gone}; set constraints all immediate")).await.unwrap_err();
    assert!(refused.contains("has a live bid"), "{refused}");
    w.db.person(w.stone.org, OrgRole::Owner).await;
    w.db.run_sql(&gone).await;
}

#[tokio::test]
async fn it_counts_for_the_person_who_acts_and_the_owner_sees_nothing_of_it() {
    let w = World::new().await;
    let tender = limited(&w).await;
    w.service.invite(&w.owner.ctx(), tender, Invitee::Organization(w.acme.org)).await.unwrap();
    by_email(&w, tender, "bids@stone.example").await;
    known(&w, &w.stone, "bids@stone.example").await;
    assert_eq!(code(w.service.get(&w.stone.ctx(), tender).await), "NOT_FOUND", "not before publication");
    w.service.publish(&w.owner.ctx(), tender).await.unwrap();
    let colleague = w.db.person(w.stone.org, OrgRole::Member).await;
    let invitations = async || {
        let page = w.service.invitations(&w.owner.ctx(), tender, PageRequest::first(20)).await.unwrap();
        (page.items, w.sql(w.owner.org, "select row_to_json(i)::text from tender_invitations i order by id").await.unwrap())
    };
    let before = invitations().await;
    assert!(w.service.get(&w.stone.ctx(), tender).await.unwrap().invited);
    let list = w.service.list(&w.stone.ctx(), Filter::default(), PageRequest::first(20)).await.unwrap().items;
    assert_eq!(list.iter().map(|view| (view.tender.id, view.invited)).collect::<Vec<_>>(), [(tender, true)]);
    assert_eq!(code(w.service.get(&colleague.ctx(), tender).await), "NOT_FOUND");
    assert_eq!(code(w.service.submit(&colleague.ctx(), tender, w.offer("9")).await), "NOT_FOUND");
    let bid = w.bid(&w.stone, tender, "10").await;
    assert_eq!(invitations().await, before, "bidding changes nothing that the owner can see");
    // Now it is the organisation's.
    w.service.get(&colleague.ctx(), tender).await.unwrap();
    assert_eq!(w.service.get_bid(&colleague.ctx(), bid.id).await.unwrap().content, bid.content);
    w.service.replace_bid(&colleague.ctx(), bid.id, None, w.offer("9")).await.unwrap();
    w.after_deadline().await;
    w.service.open(&w.owner.ctx(), tender).await.unwrap();
    let awarded = w.service.award(&w.owner.ctx(), tender, Award { bid: bid.id, reason: None }).await.unwrap();
    let contract = awarded.contract.unwrap().id;
    w.contract_signed(contract).await;
    let platform = Ctx::system(w.stone.org, RequestId::generate());
    let event = ContractActivated { contract, tender, bid: bid.id };
    w.service.contract_activated(&platform, EventId::new(), &event).await.unwrap();
    assert_eq!(w.service.get(&colleague.ctx(), tender).await.unwrap().tender.status, TenderStatus::Complete);
}
