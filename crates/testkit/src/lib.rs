//! What tests share: a migrated database of their own, made in milliseconds, and waiting for a condition instead of sleeping.
//!
//! Every test process starts its own throw-away PostgreSQL (`embedded_postgres::for_tests`), migrates one template in it, and each
//! [`Database::fresh`] is a copy of that template, used as the serving role: a superuser would pass row-level security silently.

mod authenticator;
mod database;
pub mod issuer;
mod name_server;
mod people;
mod proxy;
mod ranges;
mod scanner;
mod until;
mod unzip;

pub use authenticator::Authenticator;
pub use database::Database;
pub use issuer::Issuer;
pub use name_server::NameServer;
pub use people::Party;
pub use proxy::{Proxy, ProxyFault};
pub use ranges::Ranges;
pub use scanner::Scanner;
pub use until::until;
pub use unzip::unzipped;
