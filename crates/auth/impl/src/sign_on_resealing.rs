//! What `build14 seal rotate` does for the secrets of organisations' clients at their issuers.

use kernel::Fault;
use secrecy::SecretString;
use uow::SystemUow;

use crate::factor_resets::Resealed;
use crate::repo;
use crate::sign_on_secret::SignOnSecret;

/// Seals them all by the present secret, so that those before it can be destroyed.
///
/// # Errors
/// A fault of the database.
pub async fn reseal_connections(
    system: &SystemUow,
    current: &SecretString,
    previous: &[SecretString],
) -> Result<Resealed, Fault> {
    let secrets = SignOnSecret::derived(current, previous)?;
    system
        .write(async |tx| {
            let mut done = Resealed { resealed: 0, unreadable: 0 };
            for stored in repo::sign_on::lock_all(tx).await? {
                let (org, id) = (stored.connection.org, stored.connection.id);
                match secrets.open((org, id), &stored.secret) {
                    Ok(opened) if opened.is_old => {
                        repo::sign_on::set_secret(tx, org, id, &secrets.seal((org, id), &opened.secret)?).await?;
                        done.resealed += 1;
                    }
                    Ok(_) => {}
                    Err(_) => done.unreadable += 1,
                }
            }
            Ok(done)
        })
        .await
}
