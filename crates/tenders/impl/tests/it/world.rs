//! A scene: an owner with a frozen schedule, two contractors, a service over a fresh database.

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta, Utc};
use escrow_api::ContractId;
use kernel::*;
use projects_api::{LineKind, Soq, SoqId, SoqLine, SoqStatus};
use secrecy::ExposeSecret;
use tenders::{Dependencies, SealKey, Service, Settings};
use tenders_api::*;
use testkit::{Database, Party};
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::fakes::*;

pub const HOUR: Duration = Duration::from_secs(3600);

pub struct World {
    pub db: Database,
    pub service: Arc<Service>,
    pub owner: Party,
    /// Another person of the owner organisation.
    pub second: Party,
    pub acme: Party,
    pub stone: Party,
    pub authorizer: Arc<FakeAuthorizer>,
    pub audit: Arc<FakeAudit>,
    pub tenants: Arc<FakeTenants>,
    pub projects: Arc<FakeProjects>,
    pub contracts: Arc<FakeContracts>,
    pub soq: Soq,
    settings: Settings,
}

pub fn decimal(text: &str) -> rust_decimal::Decimal {
    text.parse().unwrap()
}

fn line(position: u32, kind: LineKind, quantity: Option<&str>, estimate: Option<&str>) -> SoqLine {
    SoqLine {
        id: SoqLineId::new(),
        position,
        code: format!("01.{position}"),
        description: format!("line {position}"),
        kind,
        unit_code: kind.is_payable().then(|| "MTQ".into()),
        unit_text: None,
        quantity: quantity.map(decimal),
        estimate_rate: estimate.map(decimal),
        estimate_amount: None,
        unit: None,
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(Settings {
            minimum_submission_period: Duration::from_secs(2),
            standstill: Duration::ZERO,
            ..Settings::default()
        })
        .await
    }

    pub async fn with(settings: Settings) -> Self {
        let db = Database::fresh().await;
        let owner = db.party("Owner").await;
        let second = db.person(owner.org, OrgRole::Admin).await;
        let (acme, stone) = (db.party("Acme").await, db.party("Stone").await);
        let project = ProjectId::new();
        let lines = vec![
            line(1, LineKind::Heading, None, None),
            line(2, LineKind::Measured, Some("100"), Some("77.7777")),
            line(3, LineKind::LumpSum, Some("1"), Some("88.88")),
            line(4, LineKind::ProvisionalDefined, Some("1"), Some("250")),
            line(5, LineKind::Optional, Some("2"), None),
        ];
        let soq = Soq {
            id: SoqId::new(),
            project,
            title: "All trades".into(),
            status: SoqStatus::Frozen,
            version: 1,
            previous: None,
            currency: Currency::EUR,
            lines,
            estimate_total: Money::from_minor(811_665, Currency::EUR),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            frozen_at: Some(Timestamp::UNIX_EPOCH),
        };
        db.run_sql(&format!(
            "insert into projects (org_id, id, owner_id, name, currency) values ('{org}', '{project}', '{user}', 'Villa Anfa', 'EUR');
             insert into soqs (org_id, id, project_id, title, version, currency, line_count, estimate_total_minor)
                 values ('{org}', '{soq}', '{project}', 'All trades', 1, 'EUR', 5, 811665)",
            org = owner.org,
            user = owner.user,
            soq = soq.id
        ))
        .await;
        let (authorizer, audit, tenants, contracts) =
            <(Arc<FakeAuthorizer>, Arc<FakeAudit>, Arc<FakeTenants>, Arc<FakeContracts>)>::default();
        tenants.known.lock().unwrap().extend([owner.org, acme.org, stone.org]);
        let projects = Arc::new(FakeProjects::new(project, &owner));
        projects.soqs.lock().unwrap().push(soq.clone());
        let service = Arc::new(Service::new(Dependencies {
            uow: db.uow(),
            system: db.system_uow(),
            authorizer: authorizer.clone(),
            audit: audit.clone(),
            tenants: tenants.clone(),
            projects: projects.clone(),
            contracts: contracts.clone(),
            key: SealKey::new([7; 32]),
            previous_keys: Vec::new(),
            settings,
        }));
        Self { db, service, owner, second, acme, stone, authorizer, audit, tenants, projects, contracts, soq, settings }
    }

    /// The service started again with other keys.
    pub fn restarted(&self, key: SealKey, previous_keys: Vec<SealKey>) -> Service {
        Service::new(Dependencies {
            uow: self.db.uow(),
            system: self.db.system_uow(),
            authorizer: self.authorizer.clone(),
            audit: self.audit.clone(),
            tenants: self.tenants.clone(),
            projects: self.projects.clone(),
            contracts: self.contracts.clone(),
            key,
            previous_keys,
            settings: self.settings,
        })
    }

    /// The service through a door that waits for no lock for long: what would wait fails instead.
    pub async fn impatient(&self) -> Service {
        let uow = self.db.uow_with(|settings| settings.lock_timeout = Duration::from_secs(2)).await;
        Service::new(Dependencies {
            uow,
            system: self.db.system_uow(),
            authorizer: self.authorizer.clone(),
            audit: self.audit.clone(),
            tenants: self.tenants.clone(),
            projects: self.projects.clone(),
            contracts: self.contracts.clone(),
            key: SealKey::new([7; 32]),
            previous_keys: Vec::new(),
            settings: self.settings,
        })
    }

    /// What escrow writes when both parties have signed; without its lines and milestones.
    pub async fn contract_signed(&self, contract: ContractId) {
        self.db
            .run_sql(&format!(
                "set session_replication_role = replica;
                 insert into contracts (org_id, id, contractor_org_id, project_id, tender_id, bid_id, title, currency, total, status, fee_bps,
                     processing_cost_bearer, processing_bps, processing_fixed, document, document_sha256, activated_at)
                 select a.org_id, a.contract_id, a.bidder_org_id, t.project_id, t.id, a.bid_id, t.title, a.currency, a.amount, 'active', 250,
                     'owner', 0, 0, '', repeat('ab', 32), now()
                 from awards a join tenders t on t.org_id = a.org_id and t.id = a.tender_id where a.contract_id = '{contract}'"
            ))
            .await;
    }

    pub fn draft(&self) -> Draft {
        let milestone =
            |title: &str, percent| Milestone { title: title.into(), share: Share::Percent(decimal(percent)), due_on: None };
        Draft {
            project: self.soq.project,
            soq: self.soq.id,
            title: "Construction of Villa Anfa".into(),
            description: None,
            method: ProcurementMethod::Open,
            submission_deadline: Utc::now() + TimeDelta::hours(1),
            questions_until: None,
            min_bids: 1,
            milestones: vec![milestone("Structure", "40"), milestone("Weathertight", "35"), milestone("Handed over", "25")],
        }
    }

    pub async fn published_as(&self, draft: Draft) -> TenderId {
        let id = self.service.create(&self.owner.ctx(), draft).await.unwrap().tender.id;
        let step = self.service.publish(&self.owner.ctx(), id).await.unwrap();
        assert_eq!(step.tender.tender.status, TenderStatus::Published);
        id
    }

    pub async fn published(&self) -> TenderId {
        self.published_as(self.draft()).await
    }

    /// A bid whose measured line has this rate: total 100 × rate + 350.
    pub fn offer(&self, rate: &str) -> NewBid {
        let line = |at: usize, rate| OfferedRate { soq_line: self.soq.lines[at].id, rate: decimal(rate) };
        NewBid {
            lines: vec![line(1, rate), line(2, "100"), line(4, "9.5")],
            valid_until: NaiveDate::from_ymd_opt(2099, 12, 31).unwrap(),
            note: Some("Start at once".into()),
            total: None,
        }
    }

    pub async fn bid(&self, bidder: &Party, tender: TenderId, rate: &str) -> Bid {
        self.service.submit(&bidder.ctx(), tender, self.offer(rate)).await.unwrap()
    }

    pub async fn after_deadline(&self) {
        self.db.advance_clock(HOUR + HOUR).await;
    }

    pub async fn opened(&self, rates: [&str; 2]) -> (TenderId, Bid, Bid) {
        let tender = self.published().await;
        let acme = self.bid(&self.acme, tender, rates[0]).await;
        let stone = self.bid(&self.stone, tender, rates[1]).await;
        self.after_deadline().await;
        let step = self.service.open(&self.owner.ctx(), tender).await.unwrap();
        assert_eq!(step.tender.tender.status, TenderStatus::Evaluation);
        (tender, acme, stone)
    }

    /// The first column of each row, as the serving role without a tenant.
    pub async fn outside(&self, sql: &str) -> Vec<String> {
        let url = self.db.app_url().await;
        let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client.simple_query(sql).await.unwrap().into_iter().filter_map(first_column).collect()
    }

    /// The first column of each row of the last statement, as the serving role in the tenant; or the error.
    pub async fn sql(&self, org: OrgId, sql: &str) -> Result<Vec<String>, String> {
        self.sql_of(org, "null", sql).await
    }

    /// The same in a person's name: an id in quotes, or `null`.
    pub async fn sql_of(&self, org: OrgId, person: &str, sql: &str) -> Result<Vec<String>, String> {
        let url = self.db.app_url().await;
        let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client.simple_query(&format!("begin; select app.enter('{org}', {person})")).await.unwrap();
        let rows = client.simple_query(sql).await.map_err(|error| match error.as_db_error() {
            Some(error) => error.message().to_owned(),
            None => error.to_string(),
        })?;
        let rows = rows.into_iter().filter_map(first_column).collect();
        client.simple_query("commit").await.unwrap();
        Ok(rows)
    }
}

fn first_column(message: SimpleQueryMessage) -> Option<String> {
    if let SimpleQueryMessage::Row(row) = message { Some(row.get(0).unwrap_or("null").to_owned()) } else { None }
}

/// The code of a refusal.
#[track_caller]
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.expect_err("it is refused").code()
}

/// The faults of a refusal, as `pointer CODE`.
#[track_caller]
pub fn faults<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    let faults = result.expect_err("it is refused").fields();
    faults.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect()
}
