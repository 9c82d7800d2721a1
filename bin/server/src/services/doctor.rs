//! `build14 doctor`: every invariant that data can break, and every alarm that nobody settled.

use std::collections::BTreeSet;

use kernel::counted;
use module::Finding;
use secrecy::SecretString;
use uow::SystemUow;

use super::foundation::{identity, system_uow};
use super::{alarms, keys};
use crate::config::{Profile, Settings};
use crate::database::{self, Role, Urls};
use crate::modules;

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, rule: &'static str, subject: impl ToString, detail: impl Into<String>) {
        self.0.push(Finding::new(rule, subject, detail));
    }
}

/// What was looked at, whatever was found.
pub struct Checked {
    /// The rules, by name.
    rules: BTreeSet<&'static str>,
    /// How much there is, if it could be counted.
    sight: Option<db::Sight>,
}

/// What this file looks at, beside what the domains do.
const OWN: [&str; 7] =
    ["SCHEMA_PENDING", "ALARM", "JOB_DEAD", "EVENT_STUCK", "ROW_LEVEL_SECURITY", "AUDIT_SIGNATURE_BROKEN", "SEAL_KEY_UNKNOWN"];

impl Checked {
    /// In lines, beside so many findings.
    #[must_use]
    pub fn lines(&self, findings: usize) -> [String; 2] {
        let rules = counted(self.rules.len(), "rule", "rules");
        let over = self.sight.map_or_else(String::new, |sight| {
            let organizations = counted(sight.organizations, "organisation", "organisations");
            let (rows, tables) = (counted(sight.rows, "row", "rows"), counted(sight.tables, "table", "tables"));
            format!(" over {organizations}, {rows} of {tables}")
        });
        let found = counted(findings, "finding", "findings");
        let names = self.rules.iter().copied().collect::<Vec<_>>().join(", ");
        [format!("checked {rules}{over}: {found}"), format!("the rules: {names}")]
    }
}

/// All that `build14 doctor` looks at. What cannot be looked at before something else is mended is not among what was checked.
///
/// # Errors
/// If the database does not answer.
pub async fn examine(settings: &Settings, urls: &Urls, anchor: Option<&str>) -> anyhow::Result<(Vec<Finding>, Checked)> {
    let exposed = |url: &SecretString, role| exposed(url.clone(), identity(settings, role));
    let mut checked = Checked { rules: BTreeSet::from(["ISOLATION"]), sight: None };
    let mut findings = database::blame(settings, Role::System, exposed(&urls.system, db::Role::System).await)?;
    if findings.is_empty() {
        findings = doctor_of(settings, &urls.system, anchor).await?;
        if findings.iter().any(|finding| finding.rule == "SCHEMA_PENDING") {
            checked.rules.insert("SCHEMA_PENDING");
        } else {
            checked.rules.extend(OWN);
            checked.rules.extend(modules::all().flat_map(|module| module.rules));
            checked.rules.extend(anchor.map(|_| "AUDIT_ANCHOR_BROKEN"));
            checked.rules.extend(clock_counts(settings).then_some("CLOCK_MOVED"));
            checked.sight = sight(&urls.system).await;
        }
    }
    findings.extend(database::blame(settings, Role::App, exposed(&urls.app, db::Role::App).await)?);
    Ok((findings, checked))
}

/// How much there is. That it takes too long to count is no finding.
async fn sight(system_url: &SecretString) -> Option<db::Sight> {
    let seen = db::sight(&system_uow(system_url, 1).ok()?).await;
    seen.inspect_err(|fault| tracing::warn!(%fault, "the rows cannot be counted")).ok()
}

/// Whether a moved clock is wrong: a private cluster's is moved to try things out.
fn clock_counts(settings: &Settings) -> bool {
    settings.profile == Profile::Production || database::configured(settings).is_some()
}

/// Everything for which tenants might see each other's rows through `url`, which is to lead to `identity`.
///
/// # Errors
/// If the database does not answer.
pub async fn exposed(url: SecretString, identity: db::Identity) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Findings::default();
    let exposures = db::exposures_of(&url, identity).await?;
    if exposures.is_empty() {
        return Ok(findings.0);
    }
    // It is about who that connection is, not about who it should be.
    let who = db::who(&url).await?;
    let role = identity.role.name();
    for exposure in exposures {
        let what = if who == role { exposure } else { format!("{exposure}; it is used as {role}") };
        findings.add("ISOLATION", &who, what);
    }
    Ok(findings.0)
}

/// As [`doctor`], and what needs this deployment's keys and settings: signed heads, keys that wrap, the clock. `anchor`: a line of the log
/// to compare with.
///
/// # Errors
/// If the database does not answer.
pub async fn doctor_of(settings: &Settings, system_url: &SecretString, anchor: Option<&str>) -> anyhow::Result<Vec<Finding>> {
    let mut found = Findings(doctor(system_url).await?);
    if found.0.iter().any(|finding| finding.rule == "SCHEMA_PENDING") {
        return Ok(found.0);
    }
    let system = system_uow(system_url, 2)?;
    let signer = keys::signer(settings)?;
    for broken in audit::verify_checkpoints(&system, &signer).await? {
        let whose = broken.org.map_or_else(|| "trail".to_owned(), |org| org.to_string());
        found.add("AUDIT_SIGNATURE_BROKEN", whose, broken.what);
    }
    if let Some(anchor) = anchor
        && let Some(what) = audit::verify_anchor(&system, &signer, anchor).await?
    {
        found.add("AUDIT_ANCHOR_BROKEN", "anchor", what);
    }
    let seals = keys::seal_keys(settings)?;
    for wrapping in tenders::wrappings(&system).await? {
        if !seals.ids().any(|id| id == wrapping.key_id) {
            let tenders = counted(wrapping.keys, "tender", "tenders");
            let what = format!("wraps the keys of {tenders} and is not configured: their bids cannot be read");
            found.add("SEAL_KEY_UNKNOWN", wrapping.key_id, what);
        }
    }
    if clock_counts(settings)
        && let Some(advance) = db::moved_clock(&system).await?
    {
        let what = "deadlines are decided by it. Set it back as the owner (update app.clock set advance = '0'), and look at what was \
                    decided meanwhile";
        found.add("CLOCK_MOVED", "app.clock", format!("was moved by {advance}: {what}"));
    }
    Ok(found.0)
}

/// Checks what the database alone can tell: schema, alarms, every domain's invariants, work that hangs, row-level security.
///
/// # Errors
/// If the database does not answer.
pub async fn doctor(system_url: &SecretString) -> anyhow::Result<Vec<Finding>> {
    let system = system_uow(system_url, 2)?;
    let mut found = Findings::default();
    let pending = db::schema_state(system_url).await?.pending;
    for migration in &pending {
        found.add("SCHEMA_PENDING", migration, "this migration is missing: run `build14 migrate`");
    }
    if !pending.is_empty() {
        // What is asked below may not be there yet.
        return Ok(found.0);
    }
    let open = db::alarms(&system, false).await?;
    for alarm in &open {
        let detail = alarms::in_words(alarm);
        let more = Some(("alarm", alarms::json(alarm)));
        found.0.push(Finding { rule: "ALARM", subject: format!("{} {}", alarm.object_type, alarm.object_id), detail, more });
    }
    for module in modules::all() {
        let told = (module.doctor)(&system).await?;
        found.0.extend(told.into_iter().filter(|finding| !is_told(finding.rule, &finding.subject, &open)));
    }
    work(&system, &open, &mut found).await?;
    for table in db::unprotected_tables(&system).await? {
        found.add("ROW_LEVEL_SECURITY", "catalogue", table);
    }
    Ok(found.0)
}

/// Rules and the kind of the alarm that says the same: an open one about the same thing has the id by which it is settled, and is told alone.
const ALSO_ALARMS: [(&str, &str); 9] = [
    ("COVERAGE_SHORT", "coverage_short"),
    ("BALANCE_SHORT", "balance_short"),
    ("BALANCE_UNREAD", "balance_unread"),
    ("TRANSFER_REVERSED", "transfer_reversed"),
    ("RELEASE_STUCK", "release_stuck"),
    ("RELEASE_STUCK", "release_unknown"),
    ("MONEY_HELD_TOO_LONG", "money_held_too_long"),
    ("JOB_DEAD", "job_dead"),
    ("EVENT_STUCK", "event_stuck"),
];

fn is_told(rule: &str, subject: &str, alarms: &[db::AlarmRow]) -> bool {
    let says_so = |alarm: &db::AlarmRow| ALSO_ALARMS.contains(&(rule, alarm.kind.as_str())) && alarm.object_id == subject;
    alarms.iter().any(says_so)
}

async fn work(system: &SystemUow, alarms: &[db::AlarmRow], found: &mut Findings) -> anyhow::Result<()> {
    for job in jobs::dead_jobs(system).await? {
        if is_told("JOB_DEAD", &job.id.to_string(), alarms) {
            continue;
        }
        let why = job.last_error.unwrap_or_default();
        let again = format!("`build14 jobs retry --id {} --operator …` gives it more", job.id);
        let attempts = counted(job.attempts, "attempt", "attempts");
        found.add("JOB_DEAD", job.id, format!("{} used up its {attempts}: {why}; {again}", job.task));
    }
    for event in jobs::stuck_events(system, 5).await? {
        if is_told("EVENT_STUCK", &event.id.to_string(), alarms) {
            continue;
        }
        let why = event.last_error.unwrap_or_default();
        let times = counted(event.attempts, "time", "times");
        found.add("EVENT_STUCK", event.id, format!("{} failed {times}: {why}", event.kind));
    }
    Ok(())
}
