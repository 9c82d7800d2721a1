//! What operators do to keep a deployment well: `build14 seal` and `build14 jobs`.

use std::process::ExitCode;
use std::sync::Arc;

use audit_api::{Audit, NewEntry};
use kernel::{Ctx, Decision, Fault, RequestId, counted, rfc3339};
use serde_json::json;
use uow::{SystemUow, Uow};

use crate::command::reach::{Reached, refuse_empty};
use crate::command::{block_on, print_line};
use crate::config::Settings;
use crate::database;
use crate::modules;
use crate::services::keys;

/// The database as the platform, and the trail written through it.
struct Platform {
    system: SystemUow,
    audit: audit::Service,
    reached: Reached,
}

impl Platform {
    async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let reached = Reached::database(settings).await?;
        let url = reached.urls.system.clone();
        let postgres = db::Postgres::new(db::PoolSettings { size: 2, ..db::PoolSettings::system(url) })?;
        let policy = Arc::new(auth::Policy::embedded(&modules::permissions()).await?);
        // Entries are written in the platform's own transactions: this door of the tenants is never opened.
        let uow = Uow::new(Arc::clone(&postgres) as Arc<dyn uow::Database>);
        let system = SystemUow::new(postgres);
        let audit = audit::Service::new(audit::Dependencies {
            uow,
            system: system.clone(),
            authorizer: policy,
            signer: None,
            settings: audit::Settings::read(&mut settings.reader()),
        });
        Ok(Self { system, audit, reached })
    }

    async fn close<T>(self, done: anyhow::Result<T>) -> anyhow::Result<T> {
        self.reached.close(done).await
    }
}

/// `build14 seal status [--json]`
///
/// # Errors
/// If the database does not answer.
pub fn seal_status(settings: &Settings, json: bool) -> anyhow::Result<ExitCode> {
    block_on(async {
        let platform = Platform::open(settings).await?;
        let wrappings = tenders::wrappings(&platform.system).await.map_err(anyhow::Error::from);
        let wrappings = platform.close(wrappings).await?;
        let configured = keys::seal_keys(settings)?;
        let ids: Vec<_> = configured.ids().collect();
        let role = |id: &str| match ids.iter().position(|known| *known == id) {
            Some(0) => "current",
            Some(_) => "previous",
            None => "not configured",
        };
        let count = |id: &str| wrappings.iter().find(|by| by.key_id == id).map_or(0, |by| by.keys);
        let unknown = wrappings.iter().map(|by| by.key_id.as_str()).filter(|id| !ids.contains(id));
        let all: Vec<_> = ids.iter().copied().chain(unknown).map(|id| (id, role(id), count(id))).collect();
        if json {
            let list: Vec<_> =
                all.iter().map(|(id, role, keys)| json!({ "keyId": id, "role": role, "tenderKeys": keys })).collect();
            print_line(&json!({ "sealKeys": list }).to_string());
        } else {
            for (id, role, keys) in &all {
                let tenders = counted(*keys, "tender", "tenders");
                print_line(&format!("{id}  {role:<14} wraps the keys of {tenders}"));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 seal rotate --operator …`
///
/// # Errors
/// What to configure first; if the database does not answer.
pub fn seal_rotate(settings: &Settings, by: &Decision) -> anyhow::Result<ExitCode> {
    refuse_empty(settings)?;
    let kept = settings.tenders.seal_key.is_none();
    if kept {
        anyhow::ensure!(
            database::configured(settings).is_none(),
            "other servers may work on this database, so they share their seal key: give them a new BUILD14__TENDERS__SEAL_KEY, the old one \
             in BUILD14__TENDERS__PREVIOUS_SEAL_KEYS, and start them again before this command"
        );
        anyhow::ensure!(
            embedded_postgres::running(&settings.data_dir).is_none(),
            "a server works on {} and holds its seal key in memory: stop it first",
            settings.data_dir.display()
        );
        keys::renew_seal(settings)?;
    }
    block_on(async {
        let configured = keys::seal_keys(settings)?;
        let platform = Platform::open(settings).await?;
        let done = async {
            let rotated = tenders::rotate(&platform.system, &platform.audit, &configured, by).await?;
            let (current, previous) = (keys::seal_secret(settings)?, keys::previous_seal_secrets(settings)?);
            let authenticators = auth::reseal_authenticators(&platform.system, &current, &previous).await?;
            let connections = auth::reseal_connections(&platform.system, &current, &previous).await?;
            anyhow::Ok((rotated, authenticators, connections))
        };
        let done = done.await;
        let (rotated, authenticators, connections) = platform.close(done).await?;
        let wrapped = counted(rotated.rewrapped, "tender key is", "tender keys are");
        print_line(&format!("{wrapped} wrapped by the seal key {} now", configured.id()));
        if authenticators.resealed > 0 {
            let sealed = counted(authenticators.resealed, "authenticator is", "authenticators are");
            print_line(&format!("{sealed} sealed by it now, too"));
        }
        if connections.resealed > 0 {
            let sealed = counted(connections.resealed, "secret of single sign-on is", "secrets of single sign-on are");
            print_line(&format!("{sealed} sealed by it now, too"));
        }
        if connections.unreadable > 0 {
            let sealed = counted(connections.unreadable, "secret of single sign-on is", "secrets of single sign-on are");
            print_line(&format!(
                "{sealed} sealed by a key that is not configured: give it in tenders.previous_seal_keys, and repeat this"
            ));
            return Ok(ExitCode::FAILURE);
        }
        if authenticators.unreadable > 0 {
            let sealed = counted(authenticators.unreadable, "authenticator is", "authenticators are");
            print_line(&format!(
                "{sealed} sealed by a key that is not configured: give it in tenders.previous_seal_keys, and repeat this"
            ));
            return Ok(ExitCode::FAILURE);
        }
        if rotated.unreadable > 0 {
            print_line(&format!(
                "{} wrapped by a seal key that is not configured, which changes nothing: `build14 seal status` names it",
                counted(rotated.unreadable, "tender key is", "tender keys are")
            ));
            return Ok(ExitCode::FAILURE);
        }
        if kept {
            keys::destroy_previous_seals(settings)?;
            print_line(
                "the seal keys before it are destroyed: what backups hold of destroyed tender keys opens with no key any more",
            );
        } else {
            for id in configured.ids().skip(1) {
                print_line(&format!(
                    "the seal key {id} wraps nothing any more: once no server wraps with it, remove it from tenders.previous_seal_keys and \
                     destroy every copy of it; then what backups hold of destroyed tender keys opens with no key any more"
                ));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 jobs list [--dead] [--json]`
///
/// # Errors
/// If the database does not answer.
pub fn jobs_list(settings: &Settings, dead: bool, json: bool) -> anyhow::Result<ExitCode> {
    block_on(async {
        let platform = Platform::open(settings).await?;
        let listed = jobs::list(&platform.system, dead).await.map_err(anyhow::Error::from);
        let listed = platform.close(listed).await?;
        if json {
            let list: Vec<_> = listed
                .iter()
                .map(|job| {
                    json!({ "id": job.id, "task": job.task, "state": job.state, "organizationId": job.org, "attempts": job.attempts,
                        "maxAttempts": job.max_attempts, "runAt": rfc3339(job.run_at), "lastError": job.last_error })
                })
                .collect();
            print_line(&json!({ "jobs": list }).to_string());
        } else if listed.is_empty() {
            print_line(if dead { "no job is dead" } else { "the queue is empty" });
        } else {
            for job in listed {
                let error = job.last_error.map(|error| format!(": {error}")).unwrap_or_default();
                let (id, state, task) = (job.id, job.state, job.task);
                print_line(&format!(
                    "{id:>8} {state:<7} {task:<28} {} of {}, {}{error}",
                    job.attempts,
                    job.max_attempts,
                    rfc3339(job.run_at)
                ));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// `build14 jobs retry (--id … | --task …) --operator …`
///
/// # Errors
/// If there is no such dead job, or nothing that would do it; if the database does not answer.
pub fn jobs_retry(settings: &Settings, which: Option<jobs::Which>, by: &Decision) -> anyhow::Result<ExitCode> {
    let Some(which) = which else { anyhow::bail!("say which: --id, or --task for all dead jobs of a task") };
    block_on(async {
        let platform = Platform::open(settings).await?;
        let retried = retry(&platform, &which, by).await;
        let retried = platform.close(retried).await?;
        if retried.is_empty() {
            anyhow::bail!("there is no such dead job: `build14 jobs list --dead` lists them");
        }
        for job in retried {
            print_line(&format!("job {} ({}) is due again", job.id, job.task));
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn retry(platform: &Platform, which: &jobs::Which, by: &Decision) -> anyhow::Result<Vec<jobs::Retried>> {
    // What no handler does would die again.
    let dead = jobs::list(&platform.system, true).await?;
    let asked = dead.iter().filter(|job| match which {
        jobs::Which::Id(id) => job.id == *id,
        jobs::Which::Task(task) => job.task == *task,
    });
    for job in asked {
        anyhow::ensure!(modules::does(&job.task), "nothing in this program does {:?}: job {} stays as it is", job.task, job.id);
    }
    let retried = platform.system.write(async |tx| {
        let retried = jobs::retry_in(tx, which, by).await?;
        for job in &retried {
            if let Some(org) = job.org_id() {
                let after = json!({ "job": job.id, "task": job.task, "operator": by.operator.as_str(), "reason": by.reason.as_ref().map(kernel::Reason::as_str) });
                let entry = NewEntry::named("jobs.retry", "organization", org).after(after);
                platform.audit.record_in(tx, &Ctx::system(org, RequestId::generate()), entry).await?;
            }
        }
        Ok::<_, Fault>(retried)
    });
    Ok(retried.await?)
}
