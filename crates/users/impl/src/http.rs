//! `/api/user`, `/api/users` and `/api/auth`.

mod auth;
mod dto;
mod user;
mod users;

use tenants_api::perm;
use web::{Guard, Routes};

/// How the session cookie is sent.
#[derive(Debug, Clone)]
pub struct CookieSettings {
    /// Only over https: everywhere but in development.
    pub secure: bool,
}

/// Adds this crate's endpoints.
pub fn routes(r: &mut Routes) {
    r.tag(
        "Sign-in",
        "Accounts and sessions. Answers with an access token are never replayed: an Idempotency-Key has no effect here.",
    );
    r.add(Guard::Public, || auth::register);
    r.add(Guard::Public, || auth::login);
    r.add(Guard::SignedIn, || auth::logout);
    r.add(Guard::SignedIn, || auth::who);
    r.add(Guard::SignedIn, || auth::switch);
    r.tag("Account", "Oneself.");
    r.add(Guard::SignedIn, || user::show);
    r.add(Guard::SignedIn, || user::change);
    r.add(Guard::SignedIn, || user::remove);
    r.tag("Members", "The people of the session's organisation.");
    r.add(perm::MEMBERS_READ, || users::list);
    r.add(perm::MEMBERS_MANAGE, || users::add);
    r.add(perm::MEMBERS_READ, || users::show);
    r.add(perm::MEMBERS_MANAGE, || users::set_role);
    r.add(Guard::Party("who may manage members, or the member themself"), || users::remove);
}
