//! An owner and a contractor with a contract between them, the service over the fake provider, and a worker that runs when told.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use audit_api::fake::Trail;
use auth_api::fake::Policy;
use escrow::jobs as tasks;
use escrow::{Dependencies, Float, FloatError, FloatPosted, Own, Service, Settings, doctor, post_float};
use escrow_api::fake::FakeProvider;
use escrow_api::{
    Approve, Contract, ContractId, Contracts, ContractsPort, Error, Fund, Funding, Milestone, MilestoneId, Milestones,
    NewContract, NewContractLine, NewMilestone, Payees, Payment, Payments, Sign, SubmitWork,
};
use jobs::{Execution, Registry};
use kernel::{
    BidId, Clock, Ctx, Currency, Decision, Fault, ManualClock, Money, OrgId, OrgRole, ProjectId, SoqLineId, TenderId, Timestamp,
};
use module::Wired;
use stripe_webhooks::StripeWebhooks;
use testkit::Database;

use crate::fakes::{Organizations, Person};

pub struct World {
    pub db: Database,
    pub service: Arc<Service>,
    pub inbox: Arc<inbox::Service>,
    pub provider: Arc<FakeProvider>,
    pub tenants: Arc<Organizations>,
    pub trail: Arc<Trail>,
    pub clock: Arc<ManualClock>,
    pub owner: Person,
    pub contractor: Person,
    pub project: ProjectId,
    registry: Registry,
    topped_up: Mutex<HashSet<String>>,
}

pub fn eur(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

/// A person who decides.
pub fn ada() -> Decision {
    Decision {
        operator: "Ada Lovelace".parse().expect("a name"),
        reason: Some("seen at the provider".parse().expect("a reason")),
    }
}

pub fn start() -> Timestamp {
    chrono::Utc::now()
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let db = Database::fresh().await;
        let provider = Arc::new(FakeProvider::new());
        let tenants = Arc::new(Organizations::default());
        let trail = Arc::new(Trail::default());
        let clock = Arc::new(ManualClock::at(start()));
        let mut settings = Settings::default();
        change(&mut settings);
        let livemode = settings.livemode;
        let service = Arc::new(Service::new(Dependencies {
            uow: db.uow(),
            system: db.system_uow(),
            authorizer: Arc::new(Policy::shipped()),
            audit: Arc::clone(&trail) as _,
            tenants: Arc::clone(&tenants) as _,
            provider: Arc::clone(&provider) as _,
            clock: Arc::clone(&clock) as _,
            settings,
        }));
        let deliveries = Arc::new(StripeWebhooks::new(vec!["whsec_test".into()]));
        let (system, clock_of_inbox) = (db.system_uow(), clock.clone());
        let dependencies = inbox::Dependencies { system, deliveries, clock: clock_of_inbox, livemode };
        let inbox = Arc::new(inbox::Service::new(dependencies, &[service.clone() as Arc<dyn Wired>]));
        let mut registry = Registry::new();
        Wired::register(Arc::clone(&service), &mut registry);
        Wired::register(Arc::clone(&inbox), &mut registry);
        let (owner, contractor) = (Person::new(OrgId::new(), OrgRole::Owner), Person::new(OrgId::new(), OrgRole::Owner));
        for Person { org, user, .. } in [&owner, &contractor] {
            db.run_sql(&format!(
                "set session_replication_role = replica; insert into memberships (org_id, user_id, role) values ('{org}', '{user}', 'owner')"
            ))
            .await;
        }
        Self {
            db,
            service,
            inbox,
            provider,
            tenants,
            trail,
            clock,
            owner,
            contractor,
            project: ProjectId::new(),
            registry,
            topped_up: Mutex::default(),
        }
    }

    /// Runs every job that is due.
    pub async fn work(&self) -> Vec<Execution> {
        let settings = jobs::Settings::new(self.db.system_url().await);
        let ran = jobs::run_until_idle(&settings, &self.registry).await.expect("the queue answers");
        ran.into_iter().filter(|ran| matches!(ran, Execution::Job { .. })).collect()
    }

    /// Runs every job, also those planned for later.
    pub async fn work_ahead(&self) -> Vec<Execution> {
        jobs::make_due(&self.db.system_uow()).await.expect("the queue answers");
        self.work().await
    }

    /// The rules that the doctor finds broken.
    pub async fn broken(&self) -> Vec<&'static str> {
        let found = doctor(&self.db.system_uow()).await.expect("the doctor comes");
        found.into_iter().map(|finding| finding.rule).collect()
    }

    /// Tops the provider's balance up with euros, and posts that.
    pub async fn float(&self, amount: &str, source: &str) -> Result<FloatPosted, FloatError> {
        // It is there before anybody posts it.
        if self.topped_up.lock().expect("not poisoned").insert(source.to_owned()) {
            let amount = Money::from_decimal(amount.parse().expect("an amount"), Currency::EUR).expect("euros");
            self.provider.tops_up(source, amount);
        }
        self.post(Own::ComesIn, source, Some((amount, "EUR"))).await
    }

    /// Posts the platform's own money as an operator does.
    pub async fn post(&self, own: Own, source: &str, expected: Option<(&str, &str)>) -> Result<FloatPosted, FloatError> {
        let float = Float::parse(own, source, expected)?;
        post_float(&self.db.system_uow(), &*self.provider, &float, &ada()).await
    }

    pub async fn assert_healthy(&self) {
        assert_eq!(doctor(&self.db.system_uow()).await.expect("the doctor comes"), []);
    }

    pub fn terms_of(&self, amounts: &[i64]) -> NewContract {
        let total = amounts.iter().sum();
        let line = |position: u32, amount: Option<i64>| NewContractLine {
            soq_line: SoqLineId::new(),
            position,
            code: format!("01.{position}"),
            description: "Concrete C25/30".to_owned(),
            kind: if amount.is_some() { "lump_sum" } else { "heading" }.to_owned(),
            unit_code: amount.map(|_| "LS".to_owned()),
            quantity: amount.map(|_| 1.into()),
            rate: amount.map(|amount| eur(amount).to_decimal()),
            amount: amount.map(eur),
            counts: amount.is_some(),
        };
        NewContract {
            tender: TenderId::new(),
            bid: BidId::new(),
            project: self.project,
            owner: self.owner.org,
            contractor: self.contractor.org,
            title: "Villa, shell".to_owned(),
            total: eur(total),
            lines: vec![line(1, None), line(2, Some(total))],
            milestones: amounts
                .iter()
                .enumerate()
                .map(|(n, amount)| NewMilestone { title: format!("Milestone {}", n + 1), amount: eur(*amount), due_on: None })
                .collect(),
        }
    }

    /// The contractor's awarded bid, of which a contract is made: all that there is of its tender.
    pub async fn award(&self, new: &NewContract) {
        let NewContract { owner, contractor, tender, bid, total, .. } = new;
        self.db
            .run_sql(&format!(
                "set session_replication_role = replica;
                 insert into bids (org_id, id, tender_id, bidder_org_id, status, revision, receipt_sha256, received_at, opened_at, total, currency)
                     values ('{owner}', '{bid}', '{tender}', '{contractor}', 'awarded', 1, sha256(''), now(), now(), {}, '{}')
                     on conflict do nothing",
                total.minor(),
                total.currency().code()
            ))
            .await;
    }

    pub async fn open(&self, new: &NewContract) -> Result<ContractId, Error> {
        // Nobody bids to themselves.
        if new.owner != new.contractor {
            self.award(new).await;
        }
        self.service.ready().await?;
        let ctx = self.owner.ctx();
        self.db.uow().write(&ctx, async |tx| Ok(self.service.open_in(tx, &ctx, new).await?.id)).await
    }

    pub async fn onboard(&self) {
        let onboarding = self.service.onboard(&self.contractor.ctx()).await.expect("onboards");
        self.provider.complete_onboarding(&onboarding.payee.account.expect("an account"));
        let payee = self.service.payee(&self.contractor.ctx()).await.expect("is told");
        assert_eq!(payee.status.name(), "active");
    }

    pub async fn sign(&self, who: &Person, contract: ContractId) -> Result<Contract, Error> {
        let sha256 = Contracts::get(&*self.service, &who.ctx(), contract).await?.document_sha256;
        self.service.sign(&who.ctx(), Sign { contract, sha256 }).await
    }

    /// A contract in force.
    pub async fn contract(&self, amounts: &[i64]) -> Contract {
        self.onboard().await;
        let id = self.open(&self.terms_of(amounts)).await.expect("opens");
        self.sign(&self.owner, id).await.expect("the owner signs");
        let contract = self.sign(&self.contractor, id).await.expect("the contractor signs");
        assert_eq!(contract.status.name(), "active");
        contract
    }

    pub async fn fund(&self, milestone: MilestoneId) -> Result<Funding, Error> {
        self.service.fund(&self.owner.ctx(), Fund { milestone, project: None, amount: None }).await
    }

    /// 2.9 % + 0.30 of a charge, as the provider keeps it.
    pub fn provider_fee(charged: Money) -> i64 {
        (charged.minor() * 290 + 5_000) / 10_000 + 30
    }

    /// The payer pays; the news arrive by whatever way the caller takes next.
    pub fn pay(&self, funding: &Funding, available: bool) {
        let at = self.clock.now() + chrono::TimeDelta::days(2);
        self.provider.pay(&funding.intent, Self::provider_fee(funding.payment.charged), at, available);
    }

    pub async fn sync(&self, funding: &Funding) -> Result<(), Error> {
        let job = tasks::SyncPayment { org: self.owner.org, payment: funding.payment.id };
        self.service.sync_payment(job).await
    }

    /// A funded milestone of 10,000.00.
    pub async fn funded(&self) -> (Contract, Funding) {
        let contract = self.contract(&[1_000_000]).await;
        let funding = self.fund(contract.milestones[0].id).await.expect("funds");
        self.pay(&funding, true);
        self.sync(&funding).await.expect("syncs");
        // The look at its charge that follows.
        self.work().await;
        assert_eq!(self.milestone(contract.milestones[0].id).await.status.name(), "funded");
        (contract, funding)
    }

    /// A funded milestone of 10,000.00 whose work is approved.
    pub async fn approved(&self) -> (Contract, Funding) {
        let (contract, funding) = self.funded().await;
        let milestone = contract.milestones[0].id;
        self.submit(milestone).await.expect("submits");
        self.approve(milestone, None).await.expect("approves");
        (contract, funding)
    }

    pub async fn submit(&self, milestone: MilestoneId) -> Result<Milestone, Error> {
        let cmd = SubmitWork { milestone, evidence: vec!["photo.jpg".into()], note: Some("done".to_owned()) };
        self.service.submit(&self.contractor.ctx(), cmd).await
    }

    pub async fn approve(&self, milestone: MilestoneId, amount: Option<i64>) -> Result<escrow_api::Approval, Error> {
        let amount = amount.map(|amount| escrow_api::RequestedAmount::Money(eur(amount)));
        self.service.approve(&self.owner.ctx(), Approve { milestone, amount }).await
    }

    pub async fn milestone(&self, id: MilestoneId) -> Milestone {
        Milestones::get(&*self.service, &self.contractor.ctx(), id).await.expect("is there").milestone
    }

    pub async fn payment(&self, funding: &Funding) -> Payment {
        Payments::get(&*self.service, &self.owner.ctx(), funding.payment.id).await.expect("is there")
    }

    /// `account → balance` of everything that is not zero, whatever the subject.
    pub async fn balances(&self) -> Vec<String> {
        self.db
            .query("select account || ' ' || sum(balance) from ledger_balances group by account having sum(balance) <> 0 order by account")
            .await
    }

    pub async fn kinds(&self) -> Vec<String> {
        self.db.query("select kind from ledger_transactions order by kind").await
    }

    /// A write that ought to be refused by the database: what it says.
    pub async fn refusal(&self, ctx: &Ctx, sql: &str) -> String {
        let sql = sql.to_owned();
        let result: Result<(), Fault> = self
            .db
            .uow()
            .write(ctx, async |tx| {
                use db::prelude::*;
                diesel::sql_query(&sql).execute(tx.pg()).await.fault()?;
                Ok(())
            })
            .await;
        result.expect_err("it is refused").to_string()
    }
}

/// A number that a query yields.
#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
}

impl World {
    /// A write that is accepted.
    pub async fn accept(&self, ctx: &Ctx, sql: &str) {
        let sql = sql.to_owned();
        let result: Result<(), Fault> = self
            .db
            .uow()
            .write(ctx, async |tx| {
                use db::prelude::*;
                diesel::sql_query(&sql).execute(tx.pg()).await.fault()?;
                Ok(())
            })
            .await;
        result.expect("it is accepted");
    }

    /// What a count in a tenant's eyes yields.
    pub async fn count(&self, ctx: &Ctx, sql: &str) -> i64 {
        let sql = sql.to_owned();
        let result: Result<i64, Fault> = self
            .db
            .uow()
            .read(ctx, async |tx| {
                use db::prelude::*;
                let row: Number = diesel::sql_query(&sql).get_result(&mut tx.pg()).await.fault()?;
                Ok(row.n)
            })
            .await;
        result.expect("it counts")
    }

    /// Runs a statement in a transaction.
    pub async fn run(&self, tx: &mut uow::Tx, sql: &str) -> Result<(), Fault> {
        use db::prelude::*;
        diesel::sql_query(sql).execute(tx.pg()).await.fault()?;
        Ok(())
    }

    /// Lets the serving role ask for [`World::visited`]: it does not see the server's counters.
    pub async fn count_visits(&self) {
        let sql = "create function visited(tables text[]) returns bigint language sql security definer as $$
            select coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)::bigint
            from pg_stat_xact_user_tables where relname = any (tables) $$";
        self.db.run_sql(sql).await;
    }

    /// How many rows of these tables were looked at by this session, as the server counts. After [`World::count_visits`].
    pub async fn visited(&self, tx: &mut uow::Tx, tables: &[&str]) -> Result<i64, Fault> {
        use db::prelude::*;
        let sql = format!("select visited(array['{}']) as n", tables.join("', '"));
        let row: Number = diesel::sql_query(sql).get_result(tx.pg()).await.fault()?;
        Ok(row.n)
    }

    /// What the superuser is told who tries to tamper.
    pub async fn tamper(&self, sql: &str) -> String {
        let wrapped = format!(
            "do $t$ begin {sql}; raise exception 'tampered'; exception when others then perform set_config('test.said', sqlerrm, false); end $t$;
             select current_setting('test.said')"
        );
        self.db.query(&wrapped).await.remove(0)
    }
}
