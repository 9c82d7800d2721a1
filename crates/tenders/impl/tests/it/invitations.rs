//! Invitations by e-mail: of an organisation as soon as it is known, of the person who acts until then.

use escrow_api::ContractActivated;
use kernel::{Ctx, EventId, OrgRole, PageRequest, RequestId, TenderId};
use tenders_api::*;
use testkit::Party;

use crate::world::{World, code, faults};

/// Gives the person this e-mail.
async fn known(w: &World, person: &Party, email: &str) {
    w.db.run_sql(&format!("update users set email = '{email}', email_key = '{email}' where id = '{}'", person.user)).await;
}

/// Lets the person sign in.
async fn registered(w: &World, person: &Party) {
    w.db.run_sql(&format!("insert into credentials (user_id, password_hash) values ('{}', '$argon2id$')", person.user)).await;
}

async fn limited(w: &World) -> TenderId {
    let draft = Draft { method: ProcurementMethod::Limited, ..w.draft() };
    w.service.create(&w.owner.ctx(), draft).await.unwrap().tender.id
}

async fn by_email(w: &World, tender: TenderId, email: &str) -> Invitation {
    w.service.invite(&w.owner.ctx(), tender, Invitee::Email(email.into())).await.unwrap()
}

#[tokio::test]
async fn the_email_of_a_registered_person_invites_their_organisation() {
    let w = World::new().await;
    known(&w, &w.stone, "bids@stone.example").await;
    registered(&w, &w.stone).await;
    let tender = limited(&w).await;
    let made = by_email(&w, tender, " Bids@Stone.example ").await;
    assert_eq!((made.organization, made.invitee), (Some(w.stone.org), Invitee::Email("Bids@Stone.example".into())));
    let twice = w.service.invite(&w.owner.ctx(), tender, Invitee::Organization(w.stone.org)).await;
    assert_eq!(code(twice), "ALREADY_INVITED");
    w.service.publish(&w.owner.ctx(), tender).await.unwrap();
    let colleague = w.db.person(w.stone.org, OrgRole::Member).await;
    assert!(w.service.get(&colleague.ctx(), tender).await.unwrap().invited);
    w.bid(&colleague, tender, "10").await;
    assert_eq!(code(w.service.get(&w.acme.ctx(), tender).await), "NOT_FOUND");
    let moved = format!("update tender_invitations set invited_org_id = '{}'", w.acme.org);
    assert_eq!(w.sql(w.owner.org, &moved).await.unwrap_err(), "permission denied for table tender_invitations");
}

#[tokio::test]
async fn an_email_counts_for_publication_once_it_is_sure_whose_it_is() {
    let w = World::new().await;
    let tender = limited(&w).await;
    assert_eq!(by_email(&w, tender, "bids@stone.example").await.organization, None);
    let publish = async || w.service.publish(&w.owner.ctx(), tender).await;
    assert_eq!(faults(publish().await), ["/procurementMethod NO_INVITATION"]);
    // Another organisation adds that e-mail to its members: that does not make the invitation its own.
    let stranger = w.db.person(w.acme.org, OrgRole::Member).await;
    known(&w, &stranger, "bids@stone.example").await;
    assert_eq!(faults(publish().await), ["/procurementMethod NO_INVITATION"], "nobody can sign in with it");
    w.db.run_sql(&format!(
        "insert into memberships (org_id, user_id, role) values ('{}', '{}', 'owner')",
        w.stone.org, stranger.user
    ))
    .await;
    registered(&w, &stranger).await;
    assert_eq!(faults(publish().await), ["/procurementMethod NO_INVITATION"], "for which of the two?");
    w.db.run_sql(&format!("delete from memberships where org_id = '{}' and user_id = '{}'", w.acme.org, stranger.user)).await;
    assert_eq!(publish().await.unwrap().tender.tender.status, TenderStatus::Published);
    assert!(w.service.get(&w.stone.ctx(), tender).await.unwrap().invited);
    assert_eq!(code(w.service.get(&w.acme.ctx(), tender).await), "NOT_FOUND");
}

#[tokio::test]
async fn until_then_it_counts_for_the_person_who_acts_and_the_owner_sees_nothing_of_it() {
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
