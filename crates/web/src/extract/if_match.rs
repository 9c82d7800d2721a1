//! `IfMatch`: 'do it only if nobody changed it since I read it'.

use std::future::{Ready, ready};

use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, dev};

use kernel::{DomainError, Kind};

use super::entity_tags::EntityTags;
use crate::Problem;

/// How often a change that somebody else's overtook is made anew, at most.
const ATTEMPTS: u32 = 5;

/// The `If-Match` header, and `If-None-Match` as it counts for a change (RFC 9110 §13.1.2). Without them every state matches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IfMatch {
    wanted: Option<EntityTags>,
    unwanted: Option<EntityTags>,
}

impl IfMatch {
    /// Whether the caller sent one: if not, the current representation need not be made.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.wanted.is_some() || self.unwanted.is_some()
    }

    /// Whether a representation with this tag is one that the caller accepts. `If-Match` is compared strongly: a weak tag never matches.
    #[must_use]
    pub fn accepts(&self, etag: &str) -> bool {
        self.wanted.as_ref().is_none_or(|tags| tags.strongly(etag)) && !self.excludes(etag)
    }

    fn excludes(&self, etag: &str) -> bool {
        self.unwanted.as_ref().is_some_and(|tags| tags.weakly(etag))
    }

    /// What a change must find under its lock: a state that the caller accepts. None if the caller accepts every state.
    pub fn unchanged<'a, T>(&'a self, tag: impl Fn(&T) -> String + Send + Sync + 'a) -> Option<Box<Unchanged<'a, T>>> {
        let accepts: Box<Unchanged<'a, T>> = Box::new(move |now| self.accepts(&tag(now)));
        self.is_given().then_some(accepts)
    }

    /// What the caller saw, where a change is told that rather than asked: read, and refused if it is another. None, and nothing is read, if the
    /// caller accepts every state.
    ///
    /// # Errors
    /// What `read` refuses; 412.
    pub async fn seen<T, E>(
        &self,
        read: impl Future<Output = Result<T, E>>,
        tag: impl FnOnce(&T) -> String,
    ) -> Result<Option<T>, Problem>
    where
        Problem: From<E>,
    {
        if !self.is_given() {
            return Ok(None);
        }
        let current = read.await?;
        self.check(&tag(&current))?;
        Ok(Some(current))
    }

    /// Passes if a representation with this tag is one that the caller accepts.
    ///
    /// # Errors
    /// 412.
    pub fn check(&self, etag: &str) -> Result<(), Problem> {
        if self.accepts(etag) {
            return Ok(());
        }
        let detail = if self.excludes(etag) {
            "the resource is there, in a state that If-None-Match excludes"
        } else {
            "the resource changed since you read it: read it again and repeat the change"
        };
        Err(Problem::new(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", detail))
    }
}

/// Whether a thing is as its caller saw it.
pub type Unchanged<'a, T> = dyn Fn(&T) -> bool + Send + Sync + 'a;

/// Reads, checks and changes; all of it anew when the change finds that somebody else's came in between, but not for ever.
///
/// # Errors
/// What reading and checking refuse; what the change refuses, being overtaken among it if it was every time.
pub async fn unless_overtaken<T, E: DomainError>(
    mut change: impl AsyncFnMut() -> Result<Result<T, E>, Problem>,
) -> Result<T, Problem> {
    let mut attempt = 1;
    loop {
        match change().await? {
            Err(error) if error.kind() == Kind::Stale && attempt < ATTEMPTS => attempt += 1,
            done => return Ok(done?),
        }
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let tags = |name| EntityTags::of(request.headers(), &name);
        ready(tags(header::IF_MATCH).and_then(|wanted| Ok(Self { wanted, unwanted: tags(header::IF_NONE_MATCH)? })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Overtaken;

    impl std::fmt::Display for Overtaken {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("somebody was faster")
        }
    }

    impl std::error::Error for Overtaken {}

    impl DomainError for Overtaken {
        fn kind(&self) -> Kind {
            Kind::Stale
        }

        fn code(&self) -> &'static str {
            "PRECONDITION_FAILED"
        }
    }

    #[actix_web::test]
    async fn a_change_that_is_overtaken_starts_over_but_not_for_ever() {
        let mut tries = 0;
        let done = unless_overtaken(async || {
            tries += 1;
            Ok(if tries < 3 { Err(Overtaken) } else { Ok(tries) })
        });
        assert_eq!(done.await.expect("the third"), 3);

        let mut tries = 0;
        let never = unless_overtaken(async || {
            tries += 1;
            Ok(Err::<(), _>(Overtaken))
        });
        assert_eq!(never.await.expect_err("always overtaken").status(), StatusCode::PRECONDITION_FAILED);
        assert_eq!(tries, ATTEMPTS);
    }

    #[actix_web::test]
    async fn only_who_says_what_they_saw_is_asked_whether_it_is_still_so() {
        let read = async || Ok::<_, Overtaken>("now");
        let tag = |now: &&str| format!("\"{now}\"");
        let sent = |tag: &str| IfMatch { wanted: Some(EntityTags::These(vec![(false, tag.to_owned())])), unwanted: None };
        assert_eq!(IfMatch::default().seen(read(), tag).await.expect("all is accepted"), None);
        assert_eq!(sent("\"now\"").seen(read(), tag).await.expect("as it was"), Some("now"));
        let refused = sent("\"before\"").seen(read(), tag).await.expect_err("it is another");
        assert_eq!(refused.status(), StatusCode::PRECONDITION_FAILED);
        assert!(IfMatch::default().unchanged(tag).is_none());
        assert!(sent("\"now\"").unchanged(tag).is_some_and(|unchanged| unchanged(&"now") && !unchanged(&"then")));
    }
}
