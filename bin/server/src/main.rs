//! The command line.

mod allocator;

use std::process::ExitCode;

use build14::{command, config, upkeep};
use clap::{Parser, Subcommand};

/// What stands below the list of commands.
const SETTINGS: &str = "Settings are environment variables, BUILD14__SECTION__KEY. `build14 config` shows every one, its value and where that
comes from; config/default.toml says what each one means. The first ones to know:
  BUILD14__PROFILE          development (the default: nothing else is needed) or production (nothing is embedded)
  BUILD14__SERVER__ADDRESS  where `serve` listens, 127.0.0.1:8080 unless said otherwise; documentation of the API is at /docs there
  BUILD14__DATA_DIR         where the private PostgreSQL and development's keys live, .build14 unless said otherwise
  BUILD14__DATABASE__URL    another PostgreSQL to use instead (in development DATABASE_URL will do)

Exit codes: 0 done; 1 it could not be done, or something was found (doctor, migrate --check); 2 the command line is wrong.";

/// What stands below the options of `doctor`.
const DOCTOR: &str = "One line for each finding on standard output, `RULE: what: why`; what was checked, with counts, on standard error.
Exit codes: 0 nothing was found; 1 something was found, or it could not look (then standard error begins with `build14:`); 2 the command line is wrong.";

/// 14Build: tenders, contracts and protected payments for construction.
#[derive(Parser)]
#[command(name = "build14", version, after_help = SETTINGS)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the API (the default); in development with a worker, a private PostgreSQL and the Stripe sandbox
    Serve,
    /// Runs the worker alone: jobs, timers, the outbox relay
    Worker,
    /// Brings the database's schema up to date
    Migrate {
        /// Only tell whether it is; exit 1 if not
        #[arg(long)]
        check: bool,
    },
    /// Plays the whole journey over HTTP against a server of its own
    Demo {
        /// Prints JSON, for machines
        #[arg(long)]
        json: bool,
    },
    /// Prints the OpenAPI document
    Openapi,
    /// Shows every setting, its value (of secrets only whether they are given), where that comes from, and its default
    Config {
        /// Prints JSON, for machines
        #[arg(long)]
        json: bool,
    },
    /// Checks every invariant; exit 1 with the list of what is broken
    #[command(after_help = DOCTOR)]
    Doctor {
        /// Prints JSON, for machines
        #[arg(long)]
        json: bool,
        /// Also compare the audit trail with an `anchor` that the log kept
        #[arg(long, value_parser = parsed_anchor)]
        anchor: Option<String>,
    },
    /// Tells which keys seal bids, and rotates them
    Seal {
        #[command(subcommand)]
        command: SealCommand,
    },
    /// The queue of jobs
    Jobs {
        #[command(subcommand)]
        command: JobsCommand,
    },
    /// Lists what lately happened to accounts: failed sign-ins, spent limits, changed passwords
    SecurityEvents {
        /// Since so long ago, such as 30m, 24h or 7d
        #[arg(long, default_value = "24h", value_parser = command::security::ago)]
        since: std::time::Duration,
        /// Prints JSON, for machines
        #[arg(long)]
        json: bool,
    },
    /// What a person must look at, until a person did
    Alarms {
        #[command(subcommand)]
        what: Alarms,
    },
    /// Whether mail leaves, and to whom it may again
    Mail {
        #[command(subcommand)]
        what: Mails,
    },
    /// Suspends an organisation, so that nobody acts in it, and resumes it
    Organizations {
        #[command(subcommand)]
        what: command::organizations::Verb,
    },
    /// A look at an organisation that consents to it, reading alone
    Support {
        #[command(subcommand)]
        what: command::support::Verb,
    },
    /// The second factors of somebody who has lost them
    Factors {
        #[command(subcommand)]
        what: command::factors::Verb,
    },
    /// The keys with which tokens for other services are signed
    Tokens {
        #[command(subcommand)]
        what: Tokens,
    },
    /// Posts a top-up of the platform's own money (tu_…), as the payment provider shows it, once
    Float(Own),
    /// Posts a payout of the platform's own money to its bank (po_…), as the payment provider shows it, once
    Payout(Own),
    /// Posts what the payment provider took of the platform's own money, such as the fee of a dispute (txn_…), as it shows it, once
    Cost(Own),
    /// Posts what is missing at the payment provider and does not come back as the platform's loss: exactly what its balance lacks
    Loss {
        /// How much is missing, as the alarm says, such as 250.00: refused if it is another amount
        #[arg(long, allow_hyphen_values = true)]
        amount: String,
        /// ISO 4217 code, such as EUR
        #[arg(long)]
        currency: String,
        /// The name of the person who does this
        #[arg(long)]
        operator: kernel::Operator,
        /// What became of it: recorded with what is done
        #[arg(long)]
        reason: kernel::Reason,
    },
    /// Takes back a loss, or a part of it: what was given up turned up again on the payment provider's balance
    Recovery {
        /// The loss's id, as `loss` printed it
        #[arg(long, value_parser = parsed_id)]
        loss: uuid::Uuid,
        /// How much of it turned up, such as 250.00: refused if less of the loss is open, or less is there
        #[arg(long, allow_hyphen_values = true)]
        amount: String,
        /// ISO 4217 code, such as EUR
        #[arg(long)]
        currency: String,
        /// The name of the person who does this
        #[arg(long)]
        operator: kernel::Operator,
        /// How it turned up: recorded with what is done
        #[arg(long)]
        reason: kernel::Reason,
    },
    /// Gives back to its payer, at the payment provider, what came otherwise than asked and waits in suspense
    SuspenseRefund {
        /// The payment's id
        #[arg(long, value_parser = parsed_id)]
        payment: uuid::Uuid,
        /// Who does it: stands in both parties' trails
        #[arg(long)]
        operator: kernel::Operator,
        /// Why: stands in both parties' trails
        #[arg(long)]
        reason: kernel::Reason,
    },
    /// Settles a release whose outcome stayed unknown for a day, as a person found it at the payment provider
    #[command(alias = "release-resolve", group = clap::ArgGroup::new("outcome").required(true).args(["sent", "not_sent"]))]
    ReleaseSettle {
        /// The release's id
        #[arg(long, value_parser = parsed_id)]
        release: uuid::Uuid,
        /// It was sent, with this transfer (`tr_…`)
        #[arg(long)]
        sent: Option<String>,
        /// It was not sent
        #[arg(long)]
        not_sent: bool,
        #[command(flatten)]
        by: By,
    },
    /// Stops the money of a milestone or a contract: nothing is funded, approved or released there
    #[command(group = clap::ArgGroup::new("place").required(true).args(["milestone", "contract"]))]
    Freeze {
        /// One milestone's id
        #[arg(long, value_parser = parsed_id)]
        milestone: Option<uuid::Uuid>,
        /// A contract's id: all its milestones
        #[arg(long, value_parser = parsed_id)]
        contract: Option<uuid::Uuid>,
        /// Who does it: stands in both parties' trails
        #[arg(long)]
        operator: kernel::Operator,
        /// Why: stands in both parties' trails
        #[arg(long)]
        reason: kernel::Reason,
    },
    /// Lets the money of a milestone or a contract go again
    #[command(group = clap::ArgGroup::new("place").required(true).args(["milestone", "contract"]))]
    Unfreeze {
        /// One milestone's id
        #[arg(long, value_parser = parsed_id)]
        milestone: Option<uuid::Uuid>,
        /// A contract's id
        #[arg(long, value_parser = parsed_id)]
        contract: Option<uuid::Uuid>,
        /// What is lifted: what `freeze` placed, or what a person has settled otherwise, such as `dispute`
        #[arg(long, default_value = "operator", value_parser = hold_kind)]
        kind: escrow_api::HoldKind,
        /// Who does it: stands in both parties' trails
        #[arg(long)]
        operator: kernel::Operator,
        /// Why: stands in both parties' trails
        #[arg(long)]
        reason: kernel::Reason,
    },
    /// Settles what came back of a transfer that was reversed at the payment provider
    #[command(group = clap::ArgGroup::new("settlement").required(true).args(["paid_with", "paid_outside", "held_again"]))]
    ReversalSettle {
        /// The release's id
        #[arg(long, value_parser = parsed_id)]
        release: uuid::Uuid,
        /// The payee was paid what came back with this other transfer (`tr_…`)
        #[arg(long)]
        paid_with: Option<String>,
        /// The payee was paid what came back from the platform's bank, with this reference, since it has no account at the payment provider any more
        #[arg(long, requires = "amount")]
        paid_outside: Option<kernel::Reason>,
        /// With --paid-outside: how much was paid, such as 300.00, in the release's currency: refused unless it is all that came back and is not settled
        #[arg(long, requires = "paid_outside")]
        amount: Option<rust_decimal::Decimal>,
        /// What came back is held for the milestone again, its fee with it
        #[arg(long)]
        held_again: bool,
        /// The name of the person who does this
        #[arg(long)]
        operator: kernel::Operator,
        /// Why: recorded with what is done
        #[arg(long)]
        reason: kernel::Reason,
    },
    /// Prints a libpq URL of the configured or the running embedded database
    DatabaseUrl {
        /// For this role
        #[arg(long, value_enum, default_value = "app")]
        role: build14::database::Role,
    },
}

#[derive(Subcommand)]
enum SealCommand {
    /// Tells which keys wrap how many tenders' keys
    Status {
        /// Prints JSON, for machines
        #[arg(long)]
        json: bool,
    },
    /// Wraps every tender's key by the current seal key, so that the ones before it can be destroyed
    Rotate {
        #[command(flatten)]
        by: By,
    },
}

#[derive(Subcommand)]
enum JobsCommand {
    /// Lists the jobs in the queue
    List {
        /// Only those that used up their attempts
        #[arg(long)]
        dead: bool,
        /// Prints JSON, for machines
        #[arg(long)]
        json: bool,
    },
    /// Gives dead jobs all their attempts again
    #[command(group = clap::ArgGroup::new("which").required(true).args(["id", "task"]))]
    Retry {
        /// The one with this number, as `jobs list` shows it
        #[arg(long, value_parser = job_number)]
        id: Option<i64>,
        /// All dead ones of this task
        #[arg(long)]
        task: Option<String>,
        #[command(flatten)]
        by: By,
    },
}

/// What an operator says of the platform's own money, and who says it.
#[derive(clap::Args)]
struct Own {
    #[command(flatten)]
    money: command::money::OwnMoney,
    #[command(flatten)]
    by: By,
}

fn parsed_id(text: &str) -> Result<uuid::Uuid, String> {
    text.parse().map_err(|_| "it should be an id, such as 0193b1c0-0000-7000-8000-000000000001".to_owned())
}

fn parsed_anchor(text: &str) -> Result<String, String> {
    if audit::is_anchor(text) {
        return Ok(text.to_owned());
    }
    Err("it is not an anchor: give the text that the log has in `anchor`, whole".to_owned())
}

fn job_number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "it should be a whole number, as `jobs list` shows".to_owned())
}

fn hold_kind(text: &str) -> Result<escrow_api::HoldKind, String> {
    let all = escrow_api::HoldKind::ALL;
    let names = || all.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    all.iter().copied().find(|kind| kind.name() == text).ok_or_else(|| format!("holds are of these kinds: {}", names()))
}

fn language(text: &str) -> Result<mail_api::Language, String> {
    mail_api::Language::from_name(text).ok_or_else(|| "mails are written in these languages: de, en".to_owned())
}

#[derive(Subcommand)]
enum Mails {
    /// Sends a test mail at once, and says what the other side said
    Test {
        /// To whom
        address: String,
        /// In which language, de or en
        #[arg(long, default_value = "en", value_parser = language)]
        language: mail_api::Language,
    },
    /// Sends mail again to an address that took none, or whose owner complained
    Allow {
        /// Which one
        address: String,
        /// The name of the person who does this
        #[arg(long)]
        operator: kernel::Operator,
    },
}

#[derive(Subcommand)]
enum Tokens {
    /// Makes another key, which is shown for 20 minutes before it signs
    Rotate {
        /// The name of the person who does this
        #[arg(long)]
        operator: kernel::Operator,
    },
}

/// Who decides, and why: recorded with what is done.
#[derive(clap::Args)]
struct By {
    /// The name of the person who does this
    #[arg(long)]
    operator: kernel::Operator,
    /// Why: recorded with what is done
    #[arg(long)]
    reason: Option<kernel::Reason>,
}

impl From<By> for kernel::Decision {
    fn from(by: By) -> Self {
        Self { operator: by.operator, reason: by.reason }
    }
}

#[derive(Subcommand)]
enum Alarms {
    /// Lists the open ones
    List {
        /// Prints JSON, for machines
        #[arg(long)]
        json: bool,
        /// The settled ones too
        #[arg(long)]
        all: bool,
    },
    /// Settles one: somebody looked at it and did what was to be done
    Settle {
        /// Its id, as `list` shows it
        #[arg(long, value_parser = parsed_id)]
        id: uuid::Uuid,
        /// The name of the person who does this
        #[arg(long)]
        operator: kernel::Operator,
        /// What was found and done
        #[arg(long)]
        note: kernel::Reason,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command.unwrap_or(Command::Serve) {
        // Needs no configuration, so that it runs anywhere.
        Command::Openapi => command::openapi(),
        Command::Config { json } => command::settings::show(json),
        command => {
            let migrates = matches!(command, Command::Migrate { .. });
            match config::load(if migrates { config::Purpose::Migrating } else { config::Purpose::Everything }) {
                Err(faults) => Err(faults.into()),
                Ok(settings) => run(command, &settings),
            }
        }
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            command::print_error(&format!("build14: {}", command::causes(&error)));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, settings: &config::Settings) -> anyhow::Result<ExitCode> {
    allocator::purge_at_once();
    let filter = match command {
        Command::Serve | Command::Worker => settings.log_filter.clone(),
        _ if std::env::var_os("BUILD14__LOG__FILTER").is_some() => settings.log_filter.clone(),
        // What the demo narrates is not to drown in its server's log, but for what it waits for.
        Command::Demo { .. } => format!("warn,{}=info", build14::database::STARTS),
        // The command itself says what the payment provider answered.
        _ => format!("{},stripe::hyper=error", settings.log_filter),
    };
    build14::telemetry::start_logs(settings, &filter)?;
    command::raise_open_files();
    match command {
        Command::Serve => command::serve(settings),
        Command::Worker => command::worker(settings),
        Command::Migrate { check } => command::migrate(settings, check),
        Command::Demo { json } => command::demo(settings, json),
        Command::Doctor { json, anchor } => command::doctor(settings, json, anchor.as_deref()),
        Command::Seal { command: SealCommand::Status { json } } => upkeep::seal_status(settings, json),
        Command::Seal { command: SealCommand::Rotate { by } } => upkeep::seal_rotate(settings, &by.into()),
        Command::Jobs { command: JobsCommand::List { dead, json } } => upkeep::jobs_list(settings, dead, json),
        Command::Jobs { command: JobsCommand::Retry { id, task, by } } => {
            upkeep::jobs_retry(settings, id.map(jobs::Which::Id).or(task.map(jobs::Which::Task)), &by.into())
        }
        Command::SecurityEvents { since, json } => command::security::events(settings, since, json),
        Command::Alarms { what: Alarms::List { json, all } } => command::alarms::list(settings, json, all),
        Command::Alarms { what: Alarms::Settle { id, operator, note } } => {
            command::alarms::settle(settings, id, &operator, &note)
        }
        Command::Mail { what: Mails::Test { address, language } } => command::mail::test(settings, &address, language),
        Command::Mail { what: Mails::Allow { address, operator } } => command::mail::allow(settings, &address, &operator),
        Command::Organizations { what } => command::organizations::run(settings, what),
        Command::Support { what } => command::support::run(settings, what),
        Command::Factors { what } => command::factors::run(settings, what),
        Command::Tokens { what: Tokens::Rotate { operator } } => command::tokens::rotate(settings, &operator),
        Command::Float(own) => own_money(settings, escrow::Own::ComesIn, own),
        Command::Payout(own) => own_money(settings, escrow::Own::IsPaidOut, own),
        Command::Cost(own) => own_money(settings, escrow::Own::IsTaken, own),
        Command::ReleaseSettle { release, sent, by, .. } => command::money::release_settle(settings, release, sent, &by.into()),
        Command::Freeze { milestone, contract, operator, reason } => {
            command::freeze(settings, milestone, contract, &kernel::Decision { operator, reason: Some(reason) })
        }
        Command::Unfreeze { milestone, contract, kind, operator, reason } => {
            command::unfreeze(settings, milestone, contract, kind, &kernel::Decision { operator, reason: Some(reason) })
        }
        Command::ReversalSettle { release, paid_with, paid_outside, amount, operator, reason, .. } => {
            let by = kernel::Decision { operator, reason: Some(reason) };
            command::money::reversal_settle(settings, release, paid_with, paid_outside.zip(amount), &by)
        }
        Command::Loss { amount, currency, operator, reason } => {
            let by = kernel::Decision { operator, reason: Some(reason) };
            command::money::loss(settings, &amount, &currency, &by)
        }
        Command::Recovery { loss, amount, currency, operator, reason } => {
            let by = kernel::Decision { operator, reason: Some(reason) };
            command::money::recovery(settings, loss, (amount.as_str(), currency.as_str()), &by)
        }
        Command::SuspenseRefund { payment, operator, reason } => {
            let by = kernel::Decision { operator, reason: Some(reason) };
            command::money::suspense_refund(settings, payment, &by)
        }
        Command::DatabaseUrl { role } => command::database_url(settings, role),
        Command::Openapi => command::openapi(),
        Command::Config { json } => command::settings::show(json),
    }
}

fn own_money(settings: &config::Settings, what: escrow::Own, own: Own) -> anyhow::Result<ExitCode> {
    command::money::own_money(settings, what, &own.money, &own.by.into())
}
