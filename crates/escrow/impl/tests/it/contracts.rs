//! From award to signature; who may do and see what.

use escrow_api::{Approve, Contracts, ContractsPort, Error, Milestones, NewContract, Payments, RequestChanges, Sign, SubmitWork};
use kernel::{OrgId, OrgRole, PageRequest, ProjectRole};

use crate::fakes::Person;
use crate::world::{World, eur};

#[tokio::test]
async fn both_sign_the_same_document_and_the_contract_is_in_force() {
    let world = World::new().await;
    world.onboard().await;
    let new = world.terms_of(&[600_000, 400_000]);
    let id = world.open(&new).await.expect("opens");
    let service = &world.service;
    let seen = Contracts::get(&**service, &world.contractor.ctx(), id).await.expect("the contractor reads it");
    assert_eq!((seen.status.name(), seen.total), ("signing", eur(1_000_000)));
    let document = service.document(&world.owner.ctx(), id).await.expect("reads the document");
    let hash = <sha2::Sha256 as sha2::Digest>::digest(document.as_bytes());
    assert_eq!(hex::encode(hash), seen.document_sha256);

    let wrong = Sign { contract: id, sha256: "0".repeat(64) };
    assert!(matches!(service.sign(&world.owner.ctx(), wrong).await, Err(Error::DocumentMismatch)));
    let signed = world.sign(&world.owner, id).await.expect("signs");
    assert_eq!(signed.status.name(), "signing");
    world.sign(&world.owner, id).await.expect("signing again changes nothing");
    let colleague = Person::new(world.owner.org, OrgRole::Admin);
    assert!(matches!(world.sign(&colleague, id).await, Err(Error::State { .. })), "one signature per side");
    let both_sides = Person { user: world.owner.user, ..Person::new(world.contractor.org, OrgRole::Owner) };
    assert!(matches!(world.sign(&both_sides, id).await, Err(Error::SamePerson)));
    let active = world.sign(&world.contractor, id).await.expect("signs");
    assert_eq!(active.status.name(), "active");
    assert_eq!(active.signatures.len(), 2);
    assert!(active.milestones.iter().all(|milestone| milestone.status.name() == "planned"));

    let event = "select org_id || ' ' || kind || ' ' || (payload ->> 'tender') from outbox";
    assert_eq!(world.db.query(event).await, [format!("{} escrow.contract_activated {}", world.owner.org, new.tender)]);
    assert_eq!(world.db.query("select status from escrow_accounts").await, ["active"]);
    world.assert_healthy().await;
}

#[tokio::test]
async fn a_contractor_who_cannot_be_paid_cannot_sign() {
    let world = World::new().await;
    let id = world.open(&world.terms_of(&[100_000])).await.expect("opens");
    assert!(matches!(world.sign(&world.contractor, id).await, Err(Error::PayeeNotActive)));
    world.sign(&world.owner, id).await.expect("the owner may sign before");
    world.onboard().await;
    assert_eq!(world.sign(&world.contractor, id).await.expect("signs").status.name(), "active");
}

#[tokio::test]
async fn two_who_sign_at_once_put_it_into_force_once() {
    let world = World::new().await;
    world.onboard().await;
    let id = world.open(&world.terms_of(&[100_000])).await.expect("opens");
    let (one, other) = futures::join!(world.sign(&world.owner, id), world.sign(&world.contractor, id));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(world.db.query("select status from contracts").await, ["active"]);
    assert_eq!(world.db.query("select kind from outbox").await.len(), 1);
}

#[tokio::test]
async fn sums_that_do_not_agree_are_refused_by_the_service_and_by_the_database() {
    let world = World::new().await;
    let mut new = world.terms_of(&[60_000, 40_000]);
    new.milestones[0].amount = eur(59_999);
    let Err(Error::Invalid(faults)) = world.open(&new).await else { panic!("refused") };
    assert_eq!(
        faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect::<Vec<_>>(),
        [("/milestones", "SUM_MISMATCH")]
    );
    new.contractor = new.owner;
    new.lines[1].amount = None;
    let Err(Error::Invalid(faults)) = world.open(&new).await else { panic!("refused") };
    assert_eq!(faults.len(), 3);

    let id = world.open(&world.terms_of(&[100_000])).await.expect("opens");
    let extra = format!(
        "insert into milestones (org_id, id, contract_id, contractor_org_id, position, title, amount, currency)
         values ('{}', gen_random_uuid(), '{id}', '{}', 9, 'More', 1, 'EUR')",
        world.owner.org, world.contractor.org
    );
    assert!(world.refusal(&world.owner.ctx(), &extra).await.contains("permission denied"));
    assert!(world.tamper(&format!("{extra}; set constraints all immediate")).await.contains("its milestones to 100001"));
    let party = format!("update contracts set contractor_org_id = gen_random_uuid() where id = '{id}'");
    assert!(world.refusal(&world.owner.ctx(), &party).await.contains("permission denied"));
    assert!(world.tamper(&party).await.contains("contracts.contractor_org_id never changes"));
    let jump = format!("update milestones set status = 'released' where contract_id = '{id}'");
    assert!(world.refusal(&world.owner.ctx(), &jump).await.contains("a milestone never moves from planned to released"));
    let theirs = format!("update contracts set status = 'cancelled' where id = '{id}'");
    assert!(world.refusal(&world.contractor.ctx(), &theirs).await.contains("row-level security"));
}

#[tokio::test]
async fn a_contract_is_seen_by_its_parties_and_nobody_else() {
    let world = World::new().await;
    let (contract, funding) = world.funded().await;
    let (service, stranger) = (&world.service, Person::new(OrgId::new(), OrgRole::Owner));
    let milestone = contract.milestones[0].id;
    let first = PageRequest::first(20);
    for (who, sees) in [(&world.owner, true), (&world.contractor, true), (&stranger, false)] {
        let ctx = who.ctx();
        assert_eq!(Contracts::list(&**service, &ctx, first).await.expect("lists").items.len(), usize::from(sees));
        assert_eq!(Payments::list(&**service, &ctx, first).await.expect("lists").items.len(), usize::from(sees));
        assert_eq!(Contracts::get(&**service, &ctx, contract.id).await.is_ok(), sees);
        assert_eq!(Milestones::get(&**service, &ctx, milestone).await.is_ok(), sees);
        assert_eq!(Payments::get(&**service, &ctx, funding.payment.id).await.is_ok(), sees);
        assert_eq!(service.statement(&ctx, contract.id).await.is_ok(), sees);
    }
    let absent = service.statement(&stranger.ctx(), contract.id).await.expect_err("absent");
    assert!(matches!(absent, Error::NotFound("contract")));

    let member = Person::new(world.owner.org, OrgRole::Member);
    assert!(matches!(Contracts::get(&**service, &member.ctx(), contract.id).await, Err(Error::Denied(_))));
    let team = Person { projects: vec![(world.project, ProjectRole::InHouseUser)], ..member.clone() };
    assert_eq!(Contracts::list(&**service, &team.ctx(), first).await.expect("lists").items.len(), 1);
    let elsewhere = Person { projects: vec![(kernel::ProjectId::new(), ProjectRole::ProjectOwner)], ..member };
    assert_eq!(Contracts::list(&**service, &elsewhere.ctx(), first).await.expect("lists").items.len(), 0);
    assert_eq!(Payments::list(&**service, &elsewhere.ctx(), first).await.expect("lists").items.len(), 0);
}

#[tokio::test]
async fn each_side_has_its_own_verbs() {
    let world = World::new().await;
    let (contract, funding) = world.funded().await;
    let service = &world.service;
    let milestone = contract.milestones[0].id;
    let denied = |error: Error| match error {
        Error::Denied(denied) => denied.permission.name(),
        other => panic!("{other}"),
    };
    let work = SubmitWork { milestone, evidence: Vec::new(), note: None };
    assert_eq!(denied(service.submit(&world.owner.ctx(), work).await.expect_err("not the owner's")), "milestones.submit_work");
    let theirs = world.contractor.ctx();
    let approve = Approve { milestone, amount: None };
    assert_eq!(denied(service.approve(&theirs, approve).await.expect_err("never the payee")), "milestones.approve");
    let changes = RequestChanges { milestone, reason: "none".to_owned() };
    assert_eq!(denied(service.request_changes(&theirs, changes).await.expect_err("not theirs")), "milestones.request_changes");
    assert_eq!(denied(service.release(&theirs, funding.payment.id).await.expect_err("not theirs")), "escrow.release");
    assert_eq!(denied(service.complete(&theirs, contract.id).await.expect_err("not theirs")), "contracts.complete");
}

#[tokio::test]
async fn review_goes_back_and_forth_and_silence_escalates() {
    let world = World::new().await;
    let (contract, _) = world.funded().await;
    let (service, milestone) = (&world.service, contract.milestones[0].id);
    assert!(matches!(world.approve(milestone, None).await, Err(Error::State { .. })), "nothing was submitted");
    world.submit(milestone).await.expect("submits");
    let changes = RequestChanges { milestone, reason: "The north wall leaks".to_owned() };
    assert_eq!(service.request_changes(&world.owner.ctx(), changes).await.expect("asks").status.name(), "funded");
    world.submit(milestone).await.expect("submits again");
    world.work_ahead().await;
    assert_eq!(world.milestone(milestone).await.status.name(), "in_review", "fourteen days have not passed");
    world.db.advance_clock(std::time::Duration::from_secs(14 * 86_400 + 1)).await;
    service.sweep().await.expect("sweeps");
    world.work_ahead().await;
    assert_eq!(world.milestone(milestone).await.status.name(), "escalated");
    let story = Milestones::get(&**service, &world.owner.ctx(), milestone).await.expect("reads");
    let kinds: Vec<_> = story.reviews.iter().map(|review| review.kind.name()).collect();
    assert_eq!(kinds, ["submitted", "changes_requested", "submitted", "escalated"]);
    assert_eq!(world.approve(milestone, None).await.expect("approves").milestone.status.name(), "approved");
}

#[tokio::test]
async fn a_weighty_approval_needs_a_second_person_who_is_not_of_the_payee() {
    let world = World::new().await;
    *world.tenants.threshold.lock().expect("not poisoned") = Some(500_000);
    let (contract, _) = world.funded().await;
    let milestone = contract.milestones[0].id;
    world.submit(milestone).await.expect("submits");
    let waiting = world.approve(milestone, None).await.expect("is noted");
    assert_eq!((waiting.milestone.status.name(), waiting.waiting_since), ("in_review", Some(world.owner.user)));
    assert!(waiting.release.is_none());
    let payee = Person { user: world.contractor.user, ..Person::new(world.owner.org, OrgRole::Owner) };
    let approve = Approve { milestone, amount: None };
    assert!(matches!(world.service.approve(&payee.ctx(), approve.clone()).await, Err(Error::SamePerson)));
    let second = Person::new(world.owner.org, OrgRole::Admin);
    let complete = world.service.approve(&second.ctx(), approve).await.expect("approves");
    assert_eq!(complete.milestone.status.name(), "approved");
    let approvers = world.db.query("select requested_by || ' ' || approved_by from releases").await;
    assert_eq!(approvers, [format!("{} {}", world.owner.user, second.user)]);
}

#[tokio::test]
async fn a_contract_in_signing_can_be_cancelled_and_one_in_force_cannot() {
    let world = World::new().await;
    let id = world.open(&world.terms_of(&[100_000])).await.expect("opens");
    let ctx = world.owner.ctx();
    let cancel =
        async |id| world.db.uow().write(&ctx, async |tx| world.service.cancel_in(tx, &ctx, id, "the award fell").await).await;
    cancel(id).await.expect("cancels");
    assert!(matches!(cancel(id).await, Err(Error::State { .. })));
    assert_eq!(world.db.query("select status from milestones").await, ["cancelled"]);
    let active = world.contract(&[100_000]).await;
    assert!(matches!(cancel(active.id).await, Err(Error::State { .. })));
    assert!(matches!(world.service.complete(&ctx, active.id).await, Err(Error::State { .. })), "a milestone is not settled");
    assert!(world.trail.entries().iter().any(|(_, entry)| entry.action == "contracts.cancel"));
}

#[tokio::test]
async fn a_weighty_milestone_approved_in_parts_needs_the_second_person_all_the_same() {
    let world = World::new().await;
    *world.tenants.threshold.lock().expect("not poisoned") = Some(500_000);
    let contract = world.contract(&[1_000_000, 499_999]).await;
    for milestone in &contract.milestones {
        let funding = world.fund(milestone.id).await.expect("funds");
        world.pay(&funding, true);
        world.sync(&funding).await.expect("syncs");
        world.submit(milestone.id).await.expect("submits");
    }
    let (large, small) = (contract.milestones[0].id, contract.milestones[1].id);
    let part = world.approve(large, Some(400_000)).await.expect("is noted");
    assert_eq!((part.milestone.status.name(), part.waiting_since), ("in_review", Some(world.owner.user)));
    let second = Person::new(world.owner.org, OrgRole::Admin);
    let another = Approve { milestone: large, amount: Some(escrow_api::RequestedAmount::Money(eur(400_001))) };
    let waiting = world.service.approve(&second.ctx(), another).await.expect("is noted");
    assert_eq!(waiting.waiting_since, Some(second.user), "not what the first approved");
    let same = Approve { milestone: large, amount: Some(escrow_api::RequestedAmount::Money(eur(400_000))) };
    let complete = world.service.approve(&second.ctx(), same).await.expect("approves");
    assert_eq!(complete.release.expect("one").gross, eur(400_000));
    let alone = world.approve(small, Some(400_000)).await.expect("approves");
    assert_eq!((alone.milestone.status.name(), alone.waiting_since), ("approved", None));
}

#[tokio::test]
async fn a_review_that_is_over_is_due_no_more() {
    let world = World::new().await;
    let (contract, _) = world.funded().await;
    let milestone = contract.milestones[0].id;
    assert!(world.submit(milestone).await.expect("submits").review_due_at.is_some());
    let changes = RequestChanges { milestone, reason: "The north wall leaks".to_owned() };
    let asked = world.service.request_changes(&world.owner.ctx(), changes).await.expect("asks");
    assert_eq!((asked.status.name(), asked.review_due_at), ("funded", None));
    let again = world.submit(milestone).await.expect("submits again");
    world.db.advance_clock(std::time::Duration::from_secs(14 * 86_400 + 1)).await;
    world.service.escalate(escrow::jobs::Escalate { org: world.owner.org, milestone }).await.expect("escalates");
    let escalated = world.milestone(milestone).await;
    assert_eq!((escalated.status.name(), escalated.review_due_at), ("escalated", again.review_due_at));
    assert_eq!(world.approve(milestone, None).await.expect("approves").milestone.review_due_at, None);
}

#[tokio::test]
async fn a_contract_is_written_with_the_terms_of_its_currency() {
    let world = World::with(|settings| {
        let terms = escrow::Processing { bps: 150, fixed: 25, reserve: 0 };
        settings.processing = [(kernel::Currency::EUR, terms)].into();
    })
    .await;
    let contract = world.contract(&[1_000_000]).await;
    assert_eq!((contract.terms.processing_bps, contract.terms.processing_fixed), (150, 25));
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    assert_eq!(funding.payment.charged, eur(1_015_254), "10,000.25 / 0.985");
}

#[tokio::test]
async fn no_contract_is_made_in_a_currency_without_terms() {
    let world = World::with(|settings| settings.processing.clear()).await;
    let Err(Error::Invalid(faults)) = world.open(&world.terms_of(&[1_000_000])).await else { panic!("refused") };
    assert_eq!((faults[0].pointer.as_str(), faults[0].code), ("/currency", "CURRENCY_WITHOUT_TERMS"));
}

#[tokio::test]
async fn a_milestone_that_could_never_be_funded_is_refused_before_anybody_signs() {
    let world = World::new().await;
    let Err(Error::Invalid(faults)) = world.open(&world.terms_of(&[1, 1_000_000, 98_000_000])).await else { panic!("refused") };
    let named: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
    assert_eq!(named, [("/milestones/0/amount", "MILESTONE_NOT_PAYABLE"), ("/milestones/2/amount", "MILESTONE_NOT_PAYABLE")]);
    assert!(faults[0].detail.contains("0.18 EUR to 970999.69 EUR"), "{}", faults[0].detail);
    world.open(&world.terms_of(&[18, 97_099_969])).await.expect("just within");
}

#[tokio::test]
async fn opening_a_contract_looks_at_each_line_a_few_times_however_many_there_are() {
    let world = World::new().await;
    let ctx = world.owner.ctx();
    world.count_visits().await;
    world.service.ready().await.expect("is ready");
    for lines in [1_i64, 3_000] {
        let mut new = world.terms_of(&vec![100; 150]);
        world.award(&new).await;
        let line = new.lines.pop().expect("one that counts");
        let amount = line.amount.expect("an amount").minor() / lines;
        new.lines.extend((0..lines).zip(2_u32..).map(|(_, position)| escrow_api::NewContractLine {
            soq_line: kernel::SoqLineId::new(),
            position,
            amount: Some(eur(amount)),
            ..line.clone()
        }));
        let visited = world
            .db
            .uow()
            .write(&ctx, async |tx| {
                let before = world.visited(tx, &["contract_lines", "milestones", "contracts"]).await?;
                world.service.open_in(tx, &ctx, &new).await?;
                world.run(tx, "set constraints all immediate").await?;
                Ok::<_, Error>(world.visited(tx, &["contract_lines", "milestones", "contracts"]).await? - before)
            })
            .await
            .expect("opens");
        // Asked once per line it would be nine million.
        assert!(visited <= 4 * (lines + 150) + 100, "{visited} rows were visited to write {lines} lines");
    }
    world.assert_healthy().await;
}

#[tokio::test]
async fn lines_and_milestones_agree_with_the_total_also_later() {
    let world = World::new().await;
    let id = world.open(&world.terms_of(&[60_000, 40_000])).await.expect("opens");
    let line = format!(
        "insert into contract_lines (org_id, contract_id, contractor_org_id, position, soq_line_id, code, description, kind, amount, counts)
         values ('{}', '{id}', '{}', 9, gen_random_uuid(), '9', 'More', 'lump_sum', 1, true)",
        world.owner.org, world.contractor.org
    );
    assert!(world.refusal(&world.owner.ctx(), &line).await.contains("permission denied"));
    let said = world.tamper(&format!("{line}; set constraints all immediate")).await;
    assert!(said.contains("its lines sum to 100001"), "{said}");
    world.db.run_sql(&line.replace(", true)", ", false)")).await;
    let milestone = format!("delete from milestones where contract_id = '{id}' and position = 2; set constraints all immediate");
    let said = world.tamper(&milestone).await;
    assert!(said.contains("its milestones to 60000"), "{said}");
    let sums = "update contract_sums set lines = lines + 1; set constraints all immediate";
    let theirs = "update contract_sums set lines = lines + 1";
    assert!(world.refusal(&world.owner.ctx(), theirs).await.contains("permission denied"));
    assert!(world.tamper(sums).await.contains("its lines sum to 100001"));
    let none = format!(
        "insert into contracts select (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'bid_id', gen_random_uuid()))).* from contracts c where id = '{id}'"
    );
    let said = world.refusal(&world.owner.ctx(), &none).await;
    assert!(said.contains("permission denied"), "{said}");
    let said = world.tamper(&format!("{none}; set constraints all immediate")).await;
    assert!(said.contains("its lines sum to 0 and its milestones to 0"), "{said}");
}

#[tokio::test]
async fn sums_agree_whatever_is_written_first() {
    let world = World::new().await;
    let contract = async |lines: i64| {
        let id = escrow_api::ContractId::new();
        let new = NewContract { tender: id.0.into(), bid: id.0.into(), ..world.terms_of(&[300]) };
        world.award(&new).await;
        format!(
            "with c as (
                 insert into contracts (org_id, id, contractor_org_id, project_id, tender_id, bid_id, title, currency, total, fee_bps,
                     processing_cost_bearer, processing_bps, processing_fixed, document, document_sha256)
                 values ('{org}', '{id}', '{other}', '{id}', '{id}', '{id}', 'Villa', 'EUR', 300, 250, 'owner', 290, 30, '{{}}', repeat('0', 64))),
             l as (insert into contract_lines (org_id, contract_id, contractor_org_id, position, soq_line_id, code, description, kind, amount, counts)
                 values ('{org}', '{id}', '{other}', 1, '{id}', '1', 'Works', 'lump_sum', {lines}, true)),
             m as (insert into milestones (org_id, id, contract_id, contractor_org_id, position, title, amount, currency)
                 values ('{org}', '{id}', '{id}', '{other}', 1, 'Shell', 100, 'EUR'), ('{org}', gen_random_uuid(), '{id}', '{other}', 2, 'Roof', 200, 'EUR'))
             select 1",
            org = world.owner.org,
            other = world.contractor.org,
        )
    };
    // PostgreSQL runs them from the last to the first.
    world.db.run_sql(&contract(300).await).await;
    let said = world.tamper(&format!("execute $q${}$q$; set constraints all immediate", contract(299).await)).await;
    assert!(said.contains("its lines sum to 299 and its milestones to 300"), "{said}");
    assert_eq!(world.db.query("select lines || ' ' || milestones from contract_sums").await, ["300 300"]);
}
