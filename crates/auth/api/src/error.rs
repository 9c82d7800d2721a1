//! Why authentication or authorisation refuses.

use std::time::Duration;

use kernel::Spent;

kernel::refusals! {
    /// Why authentication or authorisation refuses.
    #[derive(Debug, thiserror::Error)]
    pub enum Error {
        /// No token, or not a live one.
        #[error("sign in first: send `Authorization: Bearer <accessToken>` or the session cookie")]
        NotAuthenticated = Unauthenticated("NOT_AUTHENTICATED"),
        /// Email or password is wrong; which one is not told.
        #[error("the email or the password is wrong")]
        WrongCredentials = Unauthenticated("WRONG_CREDENTIALS"),
        /// The email, or one that nobody tells apart from it, belongs to an account already.
        #[error("an account with this email, or with one that looks the same, exists already: sign in instead")]
        EmailTaken = Conflict("EMAIL_TAKEN"),
        /// The person is not a member of the organisation.
        #[error("you are not a member of that organisation")]
        NotAMember = NotFound("NOT_FOUND"),
        /// No live session of the person has this id.
        #[error("you have no such live session")]
        NoSuchSession = NotFound("NOT_FOUND"),
        /// The sign-in is older than the organisation lets one be.
        #[error("your sign-in is older than that organisation allows: tell your password again (POST /api/auth/reauthenticate), then switch")]
        AuthenticateAgain = Conflict("AUTHENTICATE_AGAIN"),
        /// So many passwords wait to be checked that another would wait too long: for about this time.
        #[error("too many sign-ins are under way: try again after Retry-After seconds")]
        Busy(Duration) = Unavailable("UNAVAILABLE"),
        /// Too many passwords were tried for one email, whether it is known or not.
        #[error("too many sign-ins with this email: try again after Retry-After seconds")]
        TooManyAttempts(Spent) = TooMany("RATE_LIMITED"),
    }
    retry_after {
        Self::Busy(wait) => Some(*wait),
    }
    spent {
        Self::TooManyAttempts(spent) => Some(*spent),
    }
}
