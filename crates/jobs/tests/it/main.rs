//! The worker against a real PostgreSQL.

mod jobs_run;
mod outbox_relay;
mod recovery;

use std::sync::{Arc, Mutex};

use ::jobs::{Execution, Registry, Settings};
use kernel::{Ctx, Fault, OrgId, RequestId};
use serde::{Deserialize, Serialize};
use testkit::Database;
use uow::{DomainEvent, Job, Task};
use uuid::Uuid;

/// Notes what handlers did.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, line: impl Into<String>) {
        self.0.lock().expect("no test panics while it writes").push(line.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no test panics while it writes").clone()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Happened {
    what: Uuid,
    step: u32,
}

impl DomainEvent for Happened {
    const KIND: &'static str = "test.happened";
    fn aggregate(&self) -> Uuid {
        self.what
    }
}

/// A task that carries `$type` and is called `$name`.
macro_rules! task {
    ($task:ident($type:ty), $name:literal, $attempts:literal) => {
        #[derive(Debug, Clone, Serialize, Deserialize)]
        struct $task($type);

        impl Task for $task {
            const NAME: &'static str = $name;
            const ATTEMPTS: i16 = $attempts;
        }
    };
}

task!(Note(String), "test.note", 25);
// Somebody else's idea of the same task.
task!(Misread(u8), "test.note", 25);
task!(Unknown(()), "test.unknown", 25);
task!(Hang(()), "test.hang", 25);
task!(SecondTime(()), "test.second_time", 2);
task!(Never(()), "test.never", 1);

/// What is noted later; the last word counts.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct LastWord(String);

impl Task for LastWord {
    const NAME: &'static str = "test.note";

    fn subject(&self) -> Option<String> {
        Some("one".to_owned())
    }
}

fn note(text: &str) -> Job {
    Job::of(&Note(text.to_owned()))
}

fn tenant() -> Ctx {
    Ctx::system(OrgId::new(), RequestId::accept("req-1").expect("a sane token"))
}

async fn settings(database: &Database) -> Settings {
    Settings::new(database.system_url().await)
}

async fn enqueue(database: &Database, ctx: &Ctx, job: Job) {
    database.uow().write(ctx, async |tx| tx.enqueue(job).await).await.expect("enqueued");
}

async fn publish(database: &Database, ctx: &Ctx, events: &[Happened]) {
    database
        .uow()
        .write(ctx, async |tx| {
            for event in events {
                tx.publish(event).await?;
            }
            Ok::<_, Fault>(())
        })
        .await
        .expect("published");
}

async fn idle(database: &Database, registry: &Registry) -> Vec<Execution> {
    ::jobs::run_until_idle(&settings(database).await, registry).await.expect("ran")
}
