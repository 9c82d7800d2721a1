//! The keys that are never in the database: those that seal bids and the one that signs the audit trail.

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};

use crate::config::Settings;
use crate::secrets;

/// Where development keeps the key that seals.
const SEAL: &str = "seal.key";

/// Those that sealed before a rotation, until they are destroyed.
const SEALED_BEFORE: &str = "seal.previous";

/// Where development keeps the seed of the key that signs.
const SIGNING: &str = "audit.key";

/// The secret that seals; without one (development only) it is made and kept.
///
/// # Errors
/// If the data directory cannot be written.
pub fn seal_secret(settings: &Settings) -> anyhow::Result<SecretString> {
    settings.tenders.seal_key.clone().map_or_else(|| secrets::kept(&settings.data_dir, SEAL), Ok)
}

/// The key that wraps the keys of tenders, with those before it, which only unwrap.
///
/// # Errors
/// If the data directory cannot be read or written, or something in it is no key.
pub fn seal_keys(settings: &Settings) -> anyhow::Result<tenders::SealKey> {
    Ok(previous_seal_keys(settings)?
        .into_iter()
        .fold(tenders::SealKey::from_base64(&seal_secret(settings)?)?, tenders::SealKey::with_previous))
}

/// Those that were in use before: they only unwrap.
///
/// # Errors
/// If the data directory cannot be read, or something in it is no key.
pub fn previous_seal_keys(settings: &Settings) -> anyhow::Result<Vec<tenders::SealKey>> {
    previous_seal_secrets(settings)?.iter().map(|key| tenders::SealKey::from_base64(key).map_err(anyhow::Error::from)).collect()
}

/// The secrets that sealed before.
///
/// # Errors
/// If the data directory cannot be read.
pub fn previous_seal_secrets(settings: &Settings) -> anyhow::Result<Vec<SecretString>> {
    let mut keys = settings.tenders.previous_seal_keys.clone();
    if settings.tenders.seal_key.is_none() {
        keys.extend(secrets::read_retired(&settings.data_dir, SEALED_BEFORE)?.into_iter().map(SecretString::from));
    }
    Ok(keys)
}

/// Makes another key that seals, where development keeps its own; the old one goes on to unwrap.
///
/// # Errors
/// If the data directory cannot be written.
pub fn renew_seal(settings: &Settings) -> anyhow::Result<()> {
    secrets::retire(&settings.data_dir, SEAL, SEALED_BEFORE)
}

/// Destroys the keys that sealed before, where development keeps them.
///
/// # Errors
/// If the data directory cannot be written.
pub fn destroy_previous_seals(settings: &Settings) -> anyhow::Result<()> {
    secrets::destroy_retired(&settings.data_dir, SEALED_BEFORE)
}

/// The key that signs the heads of the audit trail; without one (development only) it is made and kept.
///
/// # Errors
/// If the data directory cannot be written, or something in it is no key.
pub fn signer(settings: &Settings) -> anyhow::Result<audit::Signer> {
    use base64::Engine;
    let seed = settings.audit.signing_key.clone().map_or_else(|| secrets::kept(&settings.data_dir, SIGNING), Ok)?;
    let seed = base64::engine::general_purpose::STANDARD.decode(seed.expose_secret().trim()).ok();
    let seed: [u8; 32] = seed.and_then(|seed| seed.try_into().ok()).context("audit.signing_key is not 32 bytes in base64")?;
    let mut signer = audit::Signer::from_seed(&seed)?;
    for key in &settings.audit.previous_public_keys {
        let bytes = hex::decode(key).ok().and_then(|bytes| bytes.try_into().ok());
        signer = signer.with_previous(bytes.context("audit.previous_public_keys holds what is no key")?);
    }
    Ok(signer)
}
