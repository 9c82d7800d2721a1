//! Nobody decides for one side of a business who belongs to the other: a tenant's own view of another one's members is empty, so this is seen
//! with the real database only.

use serde_json::json;

use crate::world::{Party, World};

impl World {
    /// The person joins another organisation, whose owner gives them a role.
    pub async fn joins(&self, person: &Party, of: &Party, role: &str) {
        self.prove(person).await;
        self.prove(of).await;
        let invited = of.http.post("/api/users", json!({"email": person.email, "name": "Double"})).await.expect(201);
        person.http.act(&format!("/api/invitations/{}/accept", invited.text("/id"))).await.expect(200);
        if role != "member" {
            of.http.put(&format!("/api/users/{}", person.user), json!({"role": role})).await.expect(200);
        }
    }

    /// The organisation lists somebody as a member who has done nothing for that, as organisations once could.
    async fn lists(&self, of: &Party, person: &Party, role: &str) {
        let sql = format!("insert into memberships (org_id, user_id, role) values ('{}', '{}', '{role}')", of.org, person.user);
        self.db.run_sql(&sql).await;
    }

    /// The same person, acting in another organisation of theirs from now on.
    async fn acting_in(&self, person: &Party, organization: &Party) -> Party {
        let body = json!({"email": person.email, "password": crate::world::PASSWORD});
        let signed_in = self.anonymous().post("/api/auth/login", body).await.expect(200);
        let http = self.anonymous().with_token(&signed_in.text("/accessToken"));
        let switched = http.post("/api/auth/switch-organization", json!({"organizationId": organization.org})).await.expect(200);
        Party {
            http: self.anonymous().with_token(&switched.text("/accessToken")),
            org: organization.org.clone(),
            ..person.clone()
        }
    }
}

#[tokio::test]
async fn an_admin_of_both_parties_approves_and_releases_nothing() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    let escrow = world.fund(&owner, &contract.milestones[0]).await;
    let double = world.colleague(&owner, "admin").await;
    world.joins(&double, &acme, "admin").await;
    let milestone = format!("/api/milestones/{}", contract.milestones[0]);
    acme.http.post(&format!("{milestone}/submit"), json!({"note": "done"})).await.expect(200);
    let approve = format!("{milestone}/approve");
    double.http.post(&approve, json!({})).await.problem(409, "SAME_PERSON");

    // Nor as the second of two.
    let threshold = json!({"approvalThreshold": {"amount": "1", "currency": "EUR"}});
    owner.http.patch("/api/organization", threshold).await.expect(200);
    // Made an approver before the owner asks: afterwards it would not count yet.
    let second = world.colleague(&owner, "admin").await;
    let waiting = owner.http.post(&approve, json!({})).await.expect(202);
    assert_eq!(waiting.text("/approval/status"), "waiting");
    double.http.post(&approve, json!({})).await.problem(409, "SAME_PERSON");
    let approved = second.http.post(&approve, json!({})).await.expect(200);
    assert_eq!((approved.text("/status"), approved.text("/approval/status")), ("approved".to_owned(), "complete".to_owned()));

    double.http.act(&format!("/api/escrow/{escrow}/release")).await.problem(409, "SAME_PERSON");
    assert_eq!(world.db.query("select status from releases").await, ["approved"]);
    // Who left the other party may go on.
    acme.http.delete(&format!("/api/users/{}", double.user)).await.expect(204);
    double.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
    world.milestone_is(&owner, &contract.milestones[0], "released").await;
    world.end().await;
}

#[tokio::test]
async fn nobody_signs_for_one_party_who_acts_for_the_other() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    world.onboard(&acme).await;
    let tender = world.tender(&owner).await;
    let bid = world.bid(&acme, &tender, "10.00").await;
    world.open(&owner, &tender).await;
    let awarded = owner.http.post(&format!("/api/tenders/{}/award", tender.id), json!({"bidId": bid})).await.expect(200);
    let path = format!("/api/contracts/{}", awarded.text("/contract/id"));
    let sha256 = json!({"sha256": owner.http.get(&path).await.expect(200).text("/documentSha256")});
    let sign = format!("{path}/sign");

    let double = world.colleague(&owner, "admin").await;
    world.joins(&double, &acme, "admin").await;
    double.http.post(&sign, sha256.clone()).await.problem(409, "SAME_PERSON");
    world.acting_in(&double, &acme).await.http.post(&sign, sha256.clone()).await.problem(409, "SAME_PERSON");
    owner.http.post(&sign, sha256.clone()).await.expect(200);
    // The owner cannot keep the contractor from signing by listing its people as members.
    world.lists(&owner, &acme, "member").await;
    assert_eq!(acme.http.post(&sign, sha256).await.expect(200).text("/status"), "active");
    world.settle().await;
    world.end().await;
}

#[tokio::test]
async fn nobody_opens_or_judges_bids_who_acts_for_a_bidder() {
    let world = World::new().await;
    let (owner, acme, stone) = (world.register("Owner").await, world.register("Acme").await, world.register("Stone").await);
    let tender = world.tender(&owner).await;
    let (first, second) = (world.bid(&acme, &tender, "10.00").await, world.bid(&stone, &tender, "11.00").await);
    let (double, listed) = (world.colleague(&owner, "admin").await, world.colleague(&owner, "admin").await);
    world.joins(&double, &stone, "admin").await;
    world.lists(&stone, &listed, "admin").await;
    world.advance(std::time::Duration::from_secs(7201)).await;
    let path = format!("/api/tenders/{}", tender.id);
    double.http.act(&format!("{path}/open")).await.problem(409, "SAME_PERSON");
    // A bidder cannot keep the owner's people from opening by listing them as members.
    listed.http.act(&format!("{path}/open")).await.expect(200);
    double.http.act(&format!("/api/bids/{first}/accept")).await.problem(409, "SAME_PERSON");
    let why = json!({"reasonCode": "OTHER", "reason": "Too good"});
    double.http.post(&format!("/api/bids/{first}/disqualify"), why).await.problem(409, "SAME_PERSON");
    for bid in [&first, &second] {
        let award = json!({"bidId": bid, "reason": "Better"});
        double.http.post(&format!("{path}/award"), award).await.problem(409, "SAME_PERSON");
    }
    double.http.act(&format!("{path}/unsuccessful")).await.problem(409, "SAME_PERSON");
    double.http.post(&format!("{path}/cancel"), json!({"reason": "No"})).await.problem(409, "SAME_PERSON");
    let theirs = json!({"bidId": second, "reason": "Better"});
    listed.http.post(&format!("{path}/award"), theirs).await.problem(409, "SAME_PERSON");
    listed.http.post(&format!("{path}/award"), json!({"bidId": first})).await.expect(200);
    world.settle().await;
    world.end().await;
}

#[tokio::test]
async fn who_was_invited_is_told_the_same_whether_they_bid() {
    let world = World::new().await;
    let (owner, acme, stone) = (world.register("Owner").await, world.register("Acme").await, world.register("Stone").await);
    let tender = world.draft_tender(&owner).await;
    let path = format!("/api/tenders/{}", tender.id);
    for invited in [&acme, &stone] {
        owner.http.post(&format!("{path}/invitations"), json!({"organizationId": invited.org})).await.expect(201);
    }
    owner.http.act(&format!("{path}/publish")).await.expect(200);
    let bid = world.bid(&acme, &tender, "10.00").await;
    let (of_acme, of_stone) = (world.colleague(&owner, "admin").await, world.colleague(&owner, "admin").await);
    world.joins(&of_acme, &acme, "admin").await;
    world.joins(&of_stone, &stone, "admin").await;
    world.advance(std::time::Duration::from_secs(7201)).await;
    for double in [&of_acme, &of_stone] {
        double.http.act(&format!("{path}/open")).await.problem(409, "SAME_PERSON");
        double.http.post(&format!("{path}/cancel"), json!({"reason": "No"})).await.problem(409, "SAME_PERSON");
    }
    owner.http.act(&format!("{path}/open")).await.expect(200);
    // Once the bids are known, who bid counts.
    of_acme.http.act(&format!("/api/bids/{bid}/accept")).await.problem(409, "SAME_PERSON");
    of_stone.http.act(&format!("/api/bids/{bid}/accept")).await.expect(200);
    world.settle().await;
    world.end().await;
}

#[tokio::test]
async fn a_stranger_learns_nothing_of_who_belongs_to_whom() {
    let world = World::new().await;
    let (owner, acme, stranger) = (world.register("Owner").await, world.register("Acme").await, world.register("Stranger").await);
    let contract = world.contract(&owner, &acme).await;
    let tender = world.tender(&owner).await;
    let ask = async |who: &Party, question: String| {
        let wrapped = format!(
            "do $t$ declare said text; begin set local role build14_app; perform app.enter('{}', '{}'); {question} into said;
             execute format('set test.said = %L', said);
             exception when insufficient_privilege then set test.said = 'refused'; end $t$;
             select current_setting('test.said')",
            who.org, who.user
        );
        world.db.query(&wrapped).await.remove(0)
    };
    let ties = |about: &Party| {
        format!("select member from app.ties_to_other_party('{}', '{}', '{}')", owner.org, contract.id, about.user)
    };
    for (who, about, said) in
        [(&owner, &owner, "false"), (&acme, &acme, "false"), (&owner, &acme, "refused"), (&stranger, &stranger, "refused")]
    {
        assert_eq!(ask(who, ties(about)).await, said, "about oneself alone, and to the parties alone");
    }
    // These two are answered about oneself alone, and to the owner alone.
    for (who, about, said) in [(&owner, &owner, "false"), (&owner, &acme, "refused"), (&stranger, &stranger, "refused")] {
        let acts = format!("select app.acts_for_a_bidder('{}', '{}', '{}')", owner.org, tender.id, about.user);
        let of = format!("select app.is_of_the_bidder('{}', '{}', '{}')", owner.org, contract.bid, about.user);
        assert_eq!((ask(who, acts).await.as_str(), ask(who, of).await.as_str()), (said, said));
    }
    world.settle().await;
    world.end().await;
}
