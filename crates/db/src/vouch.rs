//! What the program vouches for: texts with an HMAC-SHA256 by a key that the serving role cannot read, so that whatever got into a tenant's
//! statements cannot pass for the program (decisions 29 and 42).

use std::sync::OnceLock;

use diesel::sql_types::Bytea;
use diesel_async::RunQueryDsl;
use hmac::{Hmac, KeyInit, Mac};
use kernel::Fault;
use sha2::Sha256;
use uow::SystemUow;

use crate::{DbResult, PgRead};

/// Makes and knows proofs, with the key of one database.
pub struct Voucher {
    system: SystemUow,
    key: OnceLock<Vec<u8>>,
}

#[derive(diesel::QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Bytea)]
    key: Vec<u8>,
}

impl Voucher {
    /// Over the platform's door, through which the key is fetched.
    #[must_use]
    pub fn new(system: SystemUow) -> Self {
        Self { system, key: OnceLock::new() }
    }

    /// Fetches the key, once. Goes before a transaction that needs a proof: none opens inside another.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn ready(&self) -> Result<(), Fault> {
        if self.key.get().is_none() {
            let sql = "select key from app.ledger_key";
            let row: KeyRow = self.system.read(async |tx| diesel::sql_query(sql).get_result(&mut tx.pg()).await.fault()).await?;
            // Whoever came first fetched the same.
            let _ = self.key.set(row.key);
        }
        Ok(())
    }

    /// The proof that the program vouches for a text, as `app.ledger_proof` makes it.
    ///
    /// # Errors
    /// A fault if [`Voucher::ready`] did not go before.
    pub fn proof(&self, text: &str) -> Result<Vec<u8>, Fault> {
        Ok(self.mac(text)?.finalize().into_bytes().to_vec())
    }

    /// The proof for a text and what it is for, as `app.is_vouched` asks for it: it serves for nothing else.
    ///
    /// # Errors
    /// As [`Voucher::proof`].
    pub fn proof_for(&self, what: &str, text: &str) -> Result<Vec<u8>, Fault> {
        self.proof(&format!("{what} {text}"))
    }

    /// Whether the program, or the platform in the database, vouched for a text and what it is for.
    #[must_use]
    pub fn knows(&self, what: &str, text: &str, proof: &[u8]) -> bool {
        self.mac(&format!("{what} {text}")).is_ok_and(|mac| mac.verify_slice(proof).is_ok())
    }

    fn mac(&self, text: &str) -> Result<Hmac<Sha256>, Fault> {
        let key = self.key.get().ok_or_else(|| Fault::internal("`Voucher::ready` goes before a transaction that vouches"))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key)
            .map_err(|_| Fault::internal("the key of what the program vouches for cannot be used"))?;
        mac.update(text.as_bytes());
        Ok(mac)
    }
}
