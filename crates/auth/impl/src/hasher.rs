//! `Hasher`: argon2id on a few threads of its own, below everything else.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use auth_api::Error;
use kernel::Fault;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Memory in KiB, passes and lanes: OWASP's Password Storage Cheat Sheet.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How much nicer than the rest of the server the threads are: whoever is signed in goes first.
#[cfg(target_os = "linux")]
const NICER: i32 = 10;

type Job = Box<dyn FnOnce() + Send>;

/// Hashes and verifies passwords, a few at a time, the others in the order in which they came. One hash keeps a core busy for tens of
/// milliseconds: never on a thread that serves requests, nor on as many threads as there are cores.
#[derive(Clone)]
pub struct Hasher {
    /// Who hashes or waits for it.
    room: Arc<Semaphore>,
    /// Who hashes. Fair: first come, first served.
    desks: Arc<Semaphore>,
    jobs: mpsc::Sender<Job>,
    pace: Arc<Pace>,
    dummy: Arc<str>,
}

/// How long the queue takes.
struct Pace {
    threads: usize,
    places: usize,
    most_wait: Duration,
    /// Microseconds of one hash, smoothed.
    typical: AtomicU64,
}

impl Pace {
    /// How long it takes to be done with so many.
    fn of(&self, hashes: usize) -> Duration {
        let typical = Duration::from_micros(self.typical.load(Ordering::Relaxed));
        typical.saturating_mul(u32::try_from(hashes.div_ceil(self.threads)).unwrap_or(u32::MAX))
    }

    fn learn(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let old = self.typical.load(Ordering::Relaxed);
        self.typical.store(old.saturating_sub(old / 8).saturating_add(took / 8), Ordering::Relaxed);
    }
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
    /// `threads` hashes at a time; `queue` more may wait, each for `most_wait`.
    ///
    /// # Errors
    /// A fault if hashing does not work at all.
    pub fn new(threads: usize, queue: usize, most_wait: Duration) -> Result<Self, Fault> {
        let threads = threads.max(1);
        let began = Instant::now();
        let dummy = hash("nobody has this password")?.into();
        let typical = AtomicU64::new(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
        let (jobs, queued) = mpsc::channel();
        let queued = Arc::new(Mutex::new(queued));
        for _ in 0..threads {
            let queued = Arc::clone(&queued);
            let named = std::thread::Builder::new().name("password-hash".to_owned());
            named.spawn(move || work_off(&queued)).map_err(Fault::internal)?;
        }
        let places = threads + queue;
        Ok(Self {
            room: Arc::new(Semaphore::new(places)),
            desks: Arc::new(Semaphore::new(threads)),
            jobs,
            pace: Arc::new(Pace { threads, places, most_wait, typical }),
            dummy,
        })
    }

    /// The PHC string of a password.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, Error> {
        let place = self.place().await?;
        self.run(place, move || hash(password.expose_secret())).await
    }

    /// Whether `password` is the one behind `phc`. Without one it takes as long, and is not.
    pub(crate) async fn verify(&self, password: SecretString, phc: Option<String>) -> Result<Verified, Error> {
        let place = self.place().await?;
        let dummy = Arc::clone(&self.dummy);
        self.run(place, move || {
            let matches = verify(password.expose_secret(), phc.as_deref().unwrap_or(&dummy))?;
            let Some(phc) = phc.filter(|_| matches) else { return Ok(Verified { right: false, stronger: None }) };
            let stronger = if is_weak(&phc)? { Some(hash(password.expose_secret())?) } else { None };
            Ok(Verified { right: true, stronger })
        })
        .await
    }

    /// Waits for a desk, unless it is known that this takes too long: then it says when it no longer will.
    async fn place(&self) -> Result<Place, Error> {
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return Err(Error::Busy(self.pace.of(self.pace.places)));
        };
        let before = self.pace.places.saturating_sub(self.room.available_permits() + 1);
        let expected = self.pace.of(before);
        if before >= self.pace.threads && expected > self.pace.most_wait {
            return Err(Error::Busy(expected));
        }
        let desk = tokio::time::timeout(self.pace.most_wait, Arc::clone(&self.desks).acquire_owned()).await;
        let desk = desk.map_err(|_| Error::Busy(self.pace.of(before)))?.map_err(Fault::internal)?;
        Ok(Place { _room: room, _desk: desk })
    }

    /// Runs `work` on one of the threads. Given up half-way, it still keeps its place until it is done: the core is busy as long.
    async fn run<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let pace = Arc::clone(&self.pace);
        let job = move || {
            let began = Instant::now();
            let result = work();
            pace.learn(began.elapsed());
            drop(place);
            // Nobody listens any more: the request was given up.
            let _gone = answer.send(result);
        };
        self.jobs.send(Box::new(job)).map_err(|_| Fault::internal("the threads that hash are gone"))?;
        Ok(answered.await.map_err(Fault::internal)??)
    }
}

/// The life of a thread: until the last hasher is dropped.
fn work_off(jobs: &Mutex<mpsc::Receiver<Job>>) {
    // Of this thread alone, on Linux. If it does not work, hashing only is less polite.
    #[cfg(target_os = "linux")]
    let _nicer = rustix::process::nice(NICER);
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A panic ends the request (its answer is dropped), not the thread.
        let _panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
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

    const LONG: Duration = Duration::from_secs(600);
    const WRONG: Verified = Verified { right: false, stronger: None };

    #[tokio::test]
    async fn a_hash_has_owasp_parameters_and_verifies() {
        let hasher = Hasher::new(1, 4, LONG).unwrap();
        let phc = hasher.hash("correct horse".into()).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        let right = hasher.verify("correct horse".into(), Some(phc.clone())).await.unwrap();
        assert_eq!(right, Verified { right: true, stronger: None });
        assert_eq!(hasher.verify("correct house".into(), Some(phc)).await.unwrap(), WRONG);
    }

    #[tokio::test]
    async fn a_weaker_hash_is_made_anew_for_who_knows_the_password() {
        let hasher = Hasher::new(1, 4, LONG).unwrap();
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
        let hasher = Hasher::new(1, 4, LONG).unwrap();
        assert_eq!(hasher.verify("nobody has this password".into(), None).await.unwrap(), WRONG);
    }

    #[tokio::test]
    async fn a_full_room_is_busy_and_empties_again() {
        let hasher = Hasher::new(1, 1, LONG).unwrap();
        let desk = hasher.place().await.unwrap();
        let waiting = tokio::spawn({
            let hasher = hasher.clone();
            async move { hasher.verify("x".into(), None).await }
        });
        while hasher.room.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(hasher.verify("y".into(), None).await, Err(Error::Busy(_))));
        drop(desk);
        assert_eq!(waiting.await.unwrap().unwrap(), WRONG);
        assert_eq!(hasher.verify("y".into(), None).await.unwrap(), WRONG);
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_told_at_once_how_long() {
        let hasher = Hasher::new(2, 100, Duration::from_secs(3)).unwrap();
        let desks = [hasher.place().await.unwrap(), hasher.place().await.unwrap()];
        hasher.pace.typical.store(1_000_000, Ordering::Relaxed);
        let waiting: Vec<_> = (0..5)
            .map(|_| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.place().await.map(drop) })
            })
            .collect();
        while hasher.room.available_permits() > 95 {
            tokio::task::yield_now().await;
        }
        // Seven are before: two at a time, a second each.
        let refused = hasher.place().await.err();
        assert!(matches!(refused, Some(Error::Busy(wait)) if wait == Duration::from_secs(4)), "{refused:?}");
        assert_eq!(hasher.room.available_permits(), 95, "and takes no place");
        drop(desks);
        for one in waiting {
            one.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_crowd_is_served_one_after_another() {
        let hasher = Hasher::new(1, 300, LONG).unwrap();
        let crowd: Vec<_> = (0..30)
            .map(|_| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.verify("x".into(), None).await })
            })
            .collect();
        for one in crowd {
            assert_eq!(one.await.unwrap().unwrap(), WRONG);
        }
    }

    #[tokio::test]
    async fn three_hundred_at_once_wait_their_turn_and_none_is_turned_away() {
        let settings = crate::Settings::default();
        let hasher = Hasher::new(1, settings.hash_queue, settings.hash_wait).unwrap();
        // As on a slow machine: 300 take 15 s.
        hasher.pace.typical.store(50_000, Ordering::Relaxed);
        let served = Arc::new(Mutex::new(Vec::new()));
        let crowd: Vec<_> = (0..300)
            .map(|n| {
                let (hasher, served) = (hasher.clone(), Arc::clone(&served));
                tokio::spawn(async move {
                    let place = hasher.place().await?;
                    hasher
                        .run(place, move || {
                            served.lock().unwrap().push(n);
                            Ok(())
                        })
                        .await
                })
            })
            .collect();
        for one in crowd {
            one.await.unwrap().unwrap();
        }
        assert!(served.lock().unwrap().iter().copied().eq(0..300), "first come, first served");
    }

    #[tokio::test]
    async fn a_panic_ends_a_request_and_not_the_hasher() {
        let hasher = Hasher::new(1, 4, LONG).unwrap();
        let place = hasher.place().await.unwrap();
        assert!(hasher.run::<()>(place, || panic!("as a test")).await.is_err());
        assert_eq!(hasher.verify("x".into(), None).await.unwrap(), WRONG);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_is_below_everything_else() {
        let hasher = Hasher::new(1, 4, LONG).unwrap();
        let nice = || rustix::process::getpriority_process(None).map_err(Fault::internal);
        let ours = nice().unwrap();
        let place = hasher.place().await.unwrap();
        let theirs = hasher.run(place, nice).await.unwrap();
        assert_eq!(theirs, (ours + NICER).min(19));
        assert_eq!(nice().unwrap(), ours, "of its threads alone");
    }
}
