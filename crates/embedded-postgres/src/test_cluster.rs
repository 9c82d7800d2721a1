//! A throw-away cluster for the tests of one process.

use std::fs::File;
use std::sync::OnceLock;
use std::time::Duration;

use crate::address::{Address, SUPERUSER};
use crate::cluster::blocking;
use crate::error::Error;
use crate::initdb;
use crate::launch::{Launch, Server};
use crate::programs::Programs;
use crate::settings::{Durability, settings};
use crate::supervisor::Ending;
use crate::temporary::throw_away;

/// Many tests at once, each with a pool.
const CONNECTIONS: u32 = 300;

/// A cluster that lives as long as this process, and whose files go with it, even if the process is killed.
#[derive(Debug)]
pub struct TestCluster {
    address: Address,
    /// Held: the server ends when the supervisor's pipe does.
    _server: Server,
    /// Held: it says that the files are in use.
    _alive: File,
}

impl TestCluster {
    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its superuser.
    pub fn superuser(&self) -> &'static str {
        SUPERUSER
    }

    /// The URL for a user and a database, as libpq, tokio-postgres and diesel-async read it.
    pub fn url(&self, user: &str, database: &str) -> String {
        self.address.url(user, database)
    }

    fn start() -> Result<Self, Error> {
        let (place, account, alive) = throw_away()?;
        let started = (|| {
            let programs = Programs::find(None)?;
            initdb::create(&programs, &account, &place.cluster(), Durability::Fast)?;
            let (socket_dir, _) = place.socket_dir(&account)?;
            let launch = Launch {
                programs: &programs,
                account: &account,
                place: &place,
                settings: settings(Durability::Fast, CONNECTIONS, &[], &socket_dir)?,
                ending: Some(Ending { signal: "QUIT", seconds: 5, remove: Some(place.dir().to_owned()) }),
                timeout: Duration::from_secs(60),
            };
            launch.run()
        })();
        match started {
            Ok((server, address)) => Ok(Self { address, _server: server, _alive: alive }),
            Err(error) => {
                // Best effort: the error is what matters.
                let _ = std::fs::remove_dir_all(place.dir());
                Err(error)
            }
        }
    }
}

/// The cluster of this process, started by the first who asks.
pub async fn for_tests() -> Result<&'static TestCluster, &'static Error> {
    // The inner error outlives the task; the outer one means that the task itself failed, and a test may panic on that.
    let asked = blocking(|| Ok(for_tests_blocking())).await;
    asked.unwrap_or_else(|error| Err(Box::leak(Box::new(error))))
}

fn for_tests_blocking() -> Result<&'static TestCluster, &'static Error> {
    static CLUSTER: OnceLock<Result<TestCluster, Error>> = OnceLock::new();
    CLUSTER.get_or_init(TestCluster::start).as_ref()
}
