//! `World`: the real server over a socket, with a database and a Stripe sandbox of its own, and scenes to start from.
//!
//! No worker runs by itself: [`World::settle`] does all that is due, so a test decides when things happen. Dropped without panicking, it
//! asserts that no event and no job was left that nobody looked at.

mod client;
mod mail;
mod scenes;
mod support;

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use build14::config::load_from;
use build14::database::Urls;
use build14::services::{Services, StripeAccess, start_sandbox};
use stripe_sandbox::Sandbox;
use testkit::Database;

pub use client::{Answer, Client};
pub use scenes::{Contract, PASSWORD, Party, schedule};

/// A world of its own for one test.
pub struct World {
    /// Its database.
    pub db: Database,
    /// Its Stripe.
    pub sandbox: Sandbox,
    /// The API's base URL.
    pub base: String,
    /// Its services.
    pub services: Arc<Services>,
    server: ServerHandle,
    jobs: jobs::Settings,
    data: tempfile::TempDir,
    checked: bool,
}

impl World {
    /// A world with nobody in it.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A world with other settings, as environment variables.
    pub async fn with(environment: &[(&str, &str)]) -> Self {
        let db = Database::fresh().await;
        let data = tempfile::tempdir().expect("a folder");
        let given = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let usual = [
            ("BUILD14__DATA_DIR".to_owned(), data.path().to_string_lossy().into_owned()),
            ("BUILD14__STRIPE__SANDBOX__ADDRESS".to_owned(), "127.0.0.1:0".to_owned()),
            ("BUILD14__RATE_LIMITS__ENABLED".to_owned(), "false".to_owned()),
            ("BUILD14__DATABASE__WAIT".to_owned(), "60s".to_owned()),
            ("BUILD14__TENDERS__MINIMUM_SUBMISSION_PERIOD".to_owned(), "1h".to_owned()),
        ];
        // Each once, as an environment has it: what the test says counts.
        let usual = usual.into_iter().filter(|(usual, _)| environment.iter().all(|(name, _)| name != usual));
        let variables: Vec<(String, String)> = given.chain(usual).collect();
        let settings = load_from(&variables).unwrap_or_else(|faults| panic!("{faults}"));

        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("non-blocking");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let webhook_secret: secrecy::SecretString = "whsec_test".to_owned().into();
        let sandbox =
            start_sandbox(&settings, &format!("{base}/api/webhooks/stripe"), &webhook_secret).await.expect("the sandbox starts");
        let stripe = StripeAccess {
            api_base: sandbox.base_url(),
            secret_key: "sk_test_sandbox".to_owned().into(),
            webhook_secrets: vec![webhook_secret],
            livemode: false,
        };
        let urls = Urls { app: db.app_url().await, system: db.system_url().await, owner: None, admin: None };
        let services = Arc::new(Services::build(&settings, &urls, stripe, &base).await.expect("the services start"));
        let deps = services.app_deps(&settings).expect("the routes fit together");
        let listening = web::Listening { workers: 1, ..web::Listening::default() };
        let server = web::serve(listener, &deps, &listening).expect("listens");
        let handle = server.handle();
        tokio::spawn(server);
        let jobs = jobs::Settings::new(urls.system);
        Self { db, sandbox, base, services, server: handle, jobs, data, checked: true }
    }

    /// Somebody who is not signed in.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.base)
    }

    /// Does all that is due: relays events, runs jobs, until nothing is left. Returns what ran.
    pub async fn settle(&self) -> Vec<jobs::Execution> {
        jobs::run_until_idle(&self.jobs, &self.services.registry()).await.expect("the worker runs")
    }

    /// Settles again and again until `condition` yields something: for what depends on a webhook that is still on its way.
    pub async fn settle_until<T>(&self, what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
        testkit::until(what, async || {
            self.settle().await;
            condition().await
        })
        .await
    }

    /// Moves the clock that decides deadlines.
    pub async fn advance(&self, by: Duration) {
        self.db.advance_clock(by).await;
    }

    /// Lets this world end with work undone.
    pub fn leave_work(&mut self) {
        self.checked = false;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let handle = self.server.clone();
        // `stop` sends its message at once; awaiting it only waits for the workers.
        drop(handle.stop(false));
    }
}

impl World {
    /// Ends the world: nothing may be left undone. Webhooks may still be on their way, so it settles until all is quiet.
    pub async fn end(self) {
        if self.checked {
            self.settle_until("no work is left that nobody can do", async || {
                let left = jobs::pending(&self.db.system_uow()).await.expect("the queue answers");
                assert_eq!(left.dead_jobs, 0, "a job was given up");
                ((left.due_jobs, left.events) == (0, 0)).then_some(())
            })
            .await;
        }
        self.server.stop(false).await;
    }
}
