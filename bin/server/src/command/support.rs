//! `build14 support`: an operator looks at an organisation that consented to it.

use std::process::ExitCode;

use kernel::{Decision, Operator, OrgId, Reason, SupportSessionId};
use mail_api::Language;
use secrecy::ExposeSecret;
use serde_json::json;

use super::reach::on_database;
use super::{block_on, print_error, print_line};
use crate::config::Settings;
use crate::services::support::support_desk;

/// What an operator does.
#[derive(clap::Subcommand)]
pub enum Verb {
    /// Begins a session that reads in an organisation that consents; prints its token on standard output, once
    Start(Start),
    /// Ends a session at once
    End {
        /// The session's id, as `list` shows it
        #[arg(long, value_parser = parsed_session)]
        id: SupportSessionId,
        /// Who ends it: stands in the organisation's trail
        #[arg(long)]
        operator: Operator,
    },
    /// Lists who consents now, and who looks
    List {
        /// Also the sessions that are over
        #[arg(long)]
        all: bool,
        /// Prints JSON, for machines
        #[arg(long)]
        json: bool,
    },
}

/// In which organisation, who looks and why.
#[derive(clap::Args)]
pub struct Start {
    /// The organisation's id
    #[arg(long, value_parser = parsed_org)]
    organization: OrgId,
    /// Who looks: its owners are told, and it stands in its trail
    #[arg(long)]
    operator: Operator,
    /// Why, such as a ticket: likewise
    #[arg(long)]
    reason: Reason,
    /// For how many minutes, an hour at most; no longer than the consent
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=60))]
    minutes: u32,
    /// In which language its owners are written to, de or en
    #[arg(long, default_value = "en", value_parser = language)]
    language: Language,
}

fn parsed_org(text: &str) -> Result<OrgId, String> {
    text.parse().map_err(|_| "it should be an organisation's id, such as 0193b1c0-0000-7000-8000-000000000001".to_owned())
}

fn parsed_session(text: &str) -> Result<SupportSessionId, String> {
    text.parse().map_err(|_| "it should be a session's id, such as 0193b1c0-0000-7000-8000-000000000001".to_owned())
}

fn language(text: &str) -> Result<Language, String> {
    Language::from_name(text).ok_or_else(|| "mails are written in these languages: de, en".to_owned())
}

/// `build14 support (start --organization … --operator … --reason … | end --id … --operator … | list)`
///
/// # Errors
/// If the organisation does not consent, there is no such session, or the database does not answer.
pub fn run(settings: &Settings, verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Start(how) => start(settings, how),
        Verb::End { id, operator } => end(settings, id, &operator),
        Verb::List { all, json } => list(settings, all, json),
    }
}

fn start(settings: &Settings, how: Start) -> anyhow::Result<ExitCode> {
    let Start { organization, operator, reason, minutes, language } = how;
    let by = Decision { operator, reason: Some(reason) };
    block_on(async {
        let started = on_database(settings, async |urls| {
            Ok(support_desk(settings, urls).await?.start(organization, &by, minutes, language).await?)
        })
        .await?;
        // The token alone on standard output, so that it can be kept in a variable and stands in no scrollback.
        print_error(&format!(
            "{} ({organization}): session {} reads until {}, as `Authorization: Bearer`. `build14 support end --id {}` ends it before. Its owners are told",
            started.organization,
            started.id,
            kernel::rfc3339(started.expires_at),
            started.id
        ));
        print_line(started.token.expose_secret());
        Ok(ExitCode::SUCCESS)
    })
}

fn end(settings: &Settings, id: SupportSessionId, by: &Operator) -> anyhow::Result<ExitCode> {
    block_on(async {
        let org = on_database(settings, async |urls| Ok(support_desk(settings, urls).await?.end(id, by).await?)).await?;
        print_line(&format!("session {id} in {org} has ended, on every server"));
        Ok(ExitCode::SUCCESS)
    })
}

fn list(settings: &Settings, all: bool, json: bool) -> anyhow::Result<ExitCode> {
    block_on(async {
        let register = on_database(settings, async |urls| Ok(support_desk(settings, urls).await?.list(all).await?)).await?;
        let time = kernel::rfc3339;
        if json {
            let consents = register
                .consents
                .iter()
                .map(|(org, reason, until)| json!({ "organizationId": org, "reason": reason, "expiresAt": time(*until) }));
            let sessions = register.sessions.iter().map(|(org, visit)| {
                json!({ "id": visit.id, "organizationId": org, "operator": visit.operator, "reason": visit.reason,
                    "startedAt": time(visit.started_at), "expiresAt": time(visit.expires_at), "live": visit.live,
                    "endedAt": visit.ended.map(|(at, _)| time(at)), "endedFor": visit.ended.map(|(_, why)| why.name()),
                    "reads": visit.reads, "refusals": visit.refusals })
            });
            let (consents, sessions): (Vec<_>, Vec<_>) = (consents.collect(), sessions.collect());
            print_line(&json!({ "consents": consents, "sessions": sessions }).to_string());
            return Ok(ExitCode::SUCCESS);
        }
        if register.consents.is_empty() && register.sessions.is_empty() {
            print_line("nobody consents to support, and nobody looks");
        }
        for (org, reason, until) in &register.consents {
            print_line(&format!("consent of {org} until {}: {reason}", time(*until)));
        }
        for (org, visit) in &register.sessions {
            let (started, reads, refusals) = (time(visit.started_at), visit.reads, visit.refusals);
            let over = match visit.ended {
                Some((at, why)) => format!("ended {} ({})", time(at), why.name()),
                None => format!("until {}", time(visit.expires_at)),
            };
            print_line(&format!(
                "session {} in {org}: {} since {started}, {over}, {reads} reads, {refusals} refusals: {}",
                visit.id, visit.operator, visit.reason
            ));
        }
        Ok(ExitCode::SUCCESS)
    })
}
