//! `build14 tokens`: the keys with which tokens for other services are signed.

use std::process::ExitCode;

use auth::TokenRotation;
use kernel::{Operator, rfc3339};

use super::reach::on_database;
use super::{block_on, print_line};
use crate::config::Settings;
use crate::services::foundation::system_uow;
use crate::services::keys;

/// `build14 tokens rotate --operator …`
///
/// # Errors
/// If the database does not answer.
pub fn rotate(settings: &Settings, operator: &Operator) -> anyhow::Result<ExitCode> {
    block_on(async {
        let rotated = on_database(settings, async |urls| {
            let (system, secret) = (system_uow(&urls.system, 1)?, keys::seal_secret(settings)?);
            Ok(auth::rotate_token_keys(&system, &secret, chrono::Utc::now(), operator).await?)
        })
        .await?;
        match rotated {
            TokenRotation::Shown { kid, signs_from } => {
                tracing::info!(%operator, %kid, "another key for tokens is shown");
                print_line(&format!("the key {kid} is shown from now on, and signs tokens from {} on", rfc3339(signs_from)));
            }
            TokenRotation::OnItsWay => print_line("another key is shown already that does not sign yet: nothing changed"),
        }
        Ok(ExitCode::SUCCESS)
    })
}
