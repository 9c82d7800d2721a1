//! `/api/user`, `/api/users`, `/api/auth`, invitations, API keys, support and roles.

mod answers;
mod asking;
mod auth;
mod authenticators;
mod authz;
mod callbacks;
mod cookies;
mod domains;
mod dto;
mod elsewhere;
mod examples;
mod exports;
mod factors;
mod invitation_links;
mod invitation_page;
mod invitations;
mod join;
mod keeping_page;
mod keys;
mod language;
mod leaks;
mod leaving;
mod links;
mod ownership;
mod ownership_page;
mod passkey_pages;
mod passkeys;
mod proofs;
mod restoring;
mod roles;
mod security_events;
mod sessions;
mod sign_on_pages;
mod single_sign_on;
mod support;
mod tokens;
mod user;
mod users;

use actix_web::web::ServiceConfig;
pub use cookies::CookieSettings;
use tenants_api::perm;
use web::{Guard, Routes};

/// Adds the pages to which the links of mails, identity providers, and the links by which people join, lead, and those of passkeys. They are for people, and
/// no part of the API.
pub fn pages(config: &mut ServiceConfig) {
    links::pages(config);
    callbacks::pages(config);
    sign_on_pages::pages(config);
    join::page(config);
    invitation_page::page(config);
    keeping_page::page(config);
    ownership_page::page(config);
    passkey_pages::pages(config);
    restoring::page(config);
    exports::page(config);
}

/// Adds this crate's endpoints.
pub fn routes(r: &mut Routes) {
    r.tag(
        "Sign-in",
        "Accounts and sessions. Of these only the switch to another organisation can be repeated under an Idempotency-Key.",
    );
    r.resource("auth");
    r.add(Guard::Public, || auth::register);
    r.add(Guard::Public, || auth::login);
    r.add(Guard::SignedIn, || auth::reauthenticate).without_key().for_bound();
    r.add(Guard::SignedIn, || auth::logout).without_key().for_bound();
    r.add(Guard::SignedIn, || auth::logout_everywhere).without_key();
    r.add(Guard::SignedIn, || auth::switch);
    r.resource("mfa").add(Guard::Public, || factors::finish);
    r.resource("mfaPasskey").add(Guard::Public, || passkeys::ask_factor);
    r.resource("reauthenticationPasskey").add(Guard::SignedIn, || passkeys::ask_again).without_key().for_bound();
    tokens::routes(r);
    r.resource("verification");
    r.add(Guard::SignedIn, || proofs::ask_verification).without_key();
    r.add(Guard::Public, || proofs::verify);
    r.resource("passwordReset");
    r.add(Guard::Public, || proofs::ask_reset);
    r.add(Guard::Public, || proofs::reset);
    r.resource("magicLink");
    r.add(Guard::Public, || proofs::ask_magic_link);
    r.add(Guard::Public, || proofs::follow_magic_link);
    elsewhere::sign_in_routes(r);
    single_sign_on::sign_in_routes(r);
    r.resource("authPasskey");
    r.add(Guard::Public, || passkeys::ask_sign_in);
    r.add(Guard::Public, || passkeys::sign_in);
    r.resource("authSession").add(Guard::SignedIn, || auth::read).for_bound();
    r.tag("Account", "The signed-in person's own account.");
    r.resource("user");
    r.add(Guard::SignedIn, || user::read).tagged().for_bound();
    r.add(Guard::SignedIn, || user::change).tagged();
    r.add(Guard::SignedIn, || leaving::remove).stepping_up();
    r.add(Guard::Public, || leaving::restore);
    r.resource("userPassword").add(Guard::SignedIn, || sessions::change_password).unconditional();
    r.resource("userEmail");
    r.add(Guard::SignedIn, || proofs::ask_address_change).without_key().stepping_up();
    r.add(Guard::Public, || proofs::change_address);
    factors::routes(r);
    r.resource("userSessions");
    r.add(Guard::SignedIn, || sessions::list);
    r.add(Guard::SignedIn, || sessions::end).unconditional();
    r.resource("otherUserSessions").add(Guard::SignedIn, || sessions::end_others).unconditional();
    elsewhere::account_routes(r);
    r.resource("userSecurityEvents").add(Guard::SignedIn, || sessions::events);
    passkeys::routes(r);
    r.resource("invitations");
    r.add(Guard::SignedIn, || invitations::own);
    r.add(Guard::SignedIn, || invitations::accept).without_key();
    r.add(Guard::SignedIn, || invitations::decline).without_key();
    invitation_links::join(r);
    domains::join(r);
    r.tag("Members", "The people of the session's organisation.");
    r.resource("organizationInvitations");
    r.add(perm::MEMBERS_MANAGE, || invitations::invited);
    r.add(perm::MEMBERS_MANAGE, || invitations::invitation);
    r.add(perm::MEMBERS_MANAGE, || invitations::resend).without_key();
    r.add(perm::MEMBERS_MANAGE, || invitations::withdraw).unconditional();
    invitation_links::manage(r);
    domains::manage(r);
    r.resource("users");
    r.add(perm::MEMBERS_READ, || users::list);
    r.add(perm::MEMBERS_MANAGE, || users::invite);
    r.add(perm::MEMBERS_READ, || users::read).tagged();
    r.add(perm::MEMBERS_MANAGE, || users::set_role).tagged();
    r.add(Guard::Party("who may manage members, or the member themself"), || users::remove).by_persons();
    ownership::routes(r);
    r.resource("memberSessions").add(perm::MEMBERS_MANAGE, || users::end_sessions).unconditional();
    security_events::routes(r);
    roles::routes(r);
    authz::routes(r);
    r.tag("Leaving", "An organisation that leaves the platform, and is kept after all; what one takes along.");
    r.resource("organization").add(perm::DELETE, || leaving::leave_organization).unconditional().stepping_up();
    r.resource("leavingOrganizations").add(Guard::SignedIn, || leaving::leaving_organizations);
    r.resource("organizations").add(Guard::SignedIn, || leaving::restore_organization).without_key();
    r.resource("organizationExport").add(perm::EXPORT, || exports::of_organization).without_key().stepping_up();
    r.resource("userExport").add(Guard::SignedIn, || exports::of_person).without_key().stepping_up();
    r.resource("userExports").add(Guard::SignedIn, || exports::list);
    single_sign_on::organization_routes(r);
    keys::routes(r);
    r.resource("leakedKeys").add(Guard::Public, || leaks::report);
    support::routes(r);
}
