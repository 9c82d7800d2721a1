//! `ChosenLanguages`: in which language people want to be written to.

use async_trait::async_trait;
use kernel::Fault;
use mail_api::{Language, Languages};
use uow::Tx;

use crate::repo;

/// What people chose, for `mail`.
pub struct ChosenLanguages;

#[async_trait]
impl Languages for ChosenLanguages {
    async fn chosen_in(&self, tx: &mut Tx, address: &str) -> Result<Option<Language>, Fault> {
        repo::language_of(tx, address).await
    }
}
