//! `Hasher`: argon2id in a bounded room of its own.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use auth_api::Error;
use kernel::Fault;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory in KiB, passes and lanes: OWASP's Password Storage Cheat Sheet.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and verifies passwords, a few at a time. One hash keeps a core busy for tens of milliseconds: never on a worker's thread.
#[derive(Clone)]
pub struct Hasher {
    room: Arc<Semaphore>,
    desks: Arc<Semaphore>,
    dummy: Arc<str>,
}

/// What became of a password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    /// Whether it was the right one.
    pub right: bool,
    /// Its PHC string by today's parameters, if it is right and the stored one is weaker.
    pub stronger: Option<String>,
}

/// A place in the room, given up when dropped.
struct Place {
    _room: OwnedSemaphorePermit,
    _desk: OwnedSemaphorePermit,
}

impl Hasher {
    /// `concurrency` hashes at a time, `queue` more may wait.
    ///
    /// # Errors
    /// A fault if hashing does not work at all.
    pub fn new(concurrency: usize, queue: usize) -> Result<Self, Fault> {
        let concurrency = concurrency.max(1);
        Ok(Self {
            room: Arc::new(Semaphore::new(concurrency + queue)),
            desks: Arc::new(Semaphore::new(concurrency)),
            dummy: hash("nobody has this password")?.into(),
        })
    }

    /// The PHC string of a password.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, Error> {
        let place = self.place().await?;
        run(place, move || hash(password.expose_secret())).await
    }

    /// Whether `password` is the one behind `phc`. Without one it takes as long, and is not.
    pub(crate) async fn verify(&self, password: SecretString, phc: Option<String>) -> Result<Verified, Error> {
        let place = self.place().await?;
        let dummy = Arc::clone(&self.dummy);
        run(place, move || {
            let matches = verify(password.expose_secret(), phc.as_deref().unwrap_or(&dummy))?;
            let Some(phc) = phc.filter(|_| matches) else { return Ok(Verified { right: false, stronger: None }) };
            let stronger = if is_weak(&phc)? { Some(hash(password.expose_secret())?) } else { None };
            Ok(Verified { right: true, stronger })
        })
        .await
    }

    async fn place(&self) -> Result<Place, Error> {
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| Error::Busy)?;
        let desk = Arc::clone(&self.desks).acquire_owned().await.map_err(Fault::internal)?;
        Ok(Place { _room: room, _desk: desk })
    }
}

/// Runs `work` on a thread for blocking work. Given up half-way, it still keeps its place until it is done: the core is busy as long.
async fn run<T: Send + 'static>(place: Place, work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(place);
        result
    });
    Ok(done.await.map_err(Fault::internal)??)
}

fn argon2() -> Result<Argon2<'static>, Fault> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Result<String, Fault> {
    let hash: argon2::password_hash::phc::PasswordHash =
        argon2()?.hash_password(password.as_bytes()).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(hash.to_string())
}

fn verify(password: &str, phc: &str) -> Result<bool, Fault> {
    let phc = PasswordHash::new(phc).map_err(|error| Fault::internal(error.to_string()))?;
    // The parameters are those of the stored hash.
    Ok(argon2()?.verify_password(password.as_bytes(), &phc).is_ok())
}

/// Whether a hash that verifies was made with less than today's parameters.
fn is_weak(phc: &str) -> Result<bool, Fault> {
    let phc = PasswordHash::new(phc).map_err(|error| Fault::internal(error.to_string()))?;
    let params = Params::try_from(&phc).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(params.m_cost() < MEMORY || params.t_cost() < PASSES || phc.version.is_none_or(|version| version < Version::V0x13.into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    const WRONG: Verified = Verified { right: false, stronger: None };

    #[tokio::test]
    async fn a_hash_has_owasp_parameters_and_verifies() {
        let hasher = Hasher::new(1, 4).unwrap();
        let phc = hasher.hash("correct horse".into()).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        let right = hasher.verify("correct horse".into(), Some(phc.clone())).await.unwrap();
        assert_eq!(right, Verified { right: true, stronger: None });
        assert_eq!(hasher.verify("correct house".into(), Some(phc)).await.unwrap(), WRONG);
    }

    #[tokio::test]
    async fn a_weaker_hash_is_made_anew_for_who_knows_the_password() {
        let hasher = Hasher::new(1, 4).unwrap();
        let strong = hasher.hash("correct horse".into()).await.unwrap();
        for (memory, passes) in [(MEMORY - 1, PASSES), (MEMORY, PASSES - 1)] {
            let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(memory, passes, LANES, None).unwrap());
            let weak: argon2::password_hash::phc::PasswordHash = weak.hash_password(b"correct horse").unwrap();
            let verified = hasher.verify("correct horse".into(), Some(weak.to_string())).await.unwrap();
            let stronger = verified.stronger.unwrap();
            assert!(verified.right && stronger.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stronger}");
            assert!(stronger != strong && hasher.verify("correct horse".into(), Some(stronger)).await.unwrap().right);
            assert_eq!(hasher.verify("correct house".into(), Some(weak.to_string())).await.unwrap(), WRONG);
        }
    }

    #[tokio::test]
    async fn nobody_signs_in_with_the_dummy() {
        let hasher = Hasher::new(1, 4).unwrap();
        assert_eq!(hasher.verify("nobody has this password".into(), None).await.unwrap(), WRONG);
    }

    #[tokio::test]
    async fn a_full_room_is_busy_and_empties_again() {
        let hasher = Hasher::new(1, 1).unwrap();
        let desk = hasher.place().await.unwrap();
        let waiting = tokio::spawn({
            let hasher = hasher.clone();
            async move { hasher.verify("x".into(), None).await }
        });
        while hasher.room.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(hasher.verify("y".into(), None).await, Err(Error::Busy)));
        drop(desk);
        assert_eq!(waiting.await.unwrap().unwrap(), WRONG);
        assert_eq!(hasher.verify("y".into(), None).await.unwrap(), WRONG);
    }
}
