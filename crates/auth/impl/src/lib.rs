//! Sign-in, sessions and authorisation.
//!
//! Authentication: a password (argon2id) buys a token of 256 random bits, of which only the SHA-256 is stored. A token resolves to a
//! [`auth_api::Session`] through a cache that every replica keeps coherent by LISTEN/NOTIFY; without a listening connection nothing is
//! cached. Authorisation: casbin reads `config/authz`, every role × permission is asked once, and a check is a look-up in that table.
//!
//! Invariants:
//! - Unknown email and wrong password look the same and cost the same: one hash in either case.
//! - A password hashed with weaker parameters than today's is hashed anew when its owner signs in.
//! - Only so many wrong passwords are tried for one email, whether anybody has it or not, and from one network (429), however many are tried at a
//!   time; each further pause is longer. Whoever comes on a device or from a network where the person signed in before has a budget of their own
//!   (docs/decisions/0053-strangers-keep-nobody-out.md).
//! - Password hashing has threads of its own, fewer than there are cores and below all others, and a bounded queue, first come, first served:
//!   who would wait too long is told at once when to come back (503), other requests are not held up.
//! - A session that ended is dead at once on this replica and with the next notification on the others; a look-up that began before the
//!   end cannot bring it back (generation under a lock, [`Service`]).
//! - Of the look-ups of one session one runs at a time, and so of those of one person in one organisation. Roles in teams are looked up for
//!   whom they add something ([`kernel::OrgRole::needs_teams`]), and of those that are known only the changed ones.
//! - A person has a bounded number of sign-ins, and a sign-in of sessions: of more the oldest, and the least used, end. A changed password ends all
//!   others; signing out ends all of the sign-in. A switch of the organisation ends none, and makes none younger than its sign-in.
//! - How long an organisation lets sessions live is kept with them, so that a check asks nobody; a trigger tells every server when it changes. That
//!   a session is used is written down for many together, never by the request that uses it. What is over does not come back by loosened rules.
//! - Failed sign-ins and spent limits are security events, kept for a while, without the email or the password that was tried. Limits of requests
//!   are counted by the web layer and noted here ([`Service::note_spent`]).
//! - An organisation is told of its members what concerns it: of each event one organisation at most, and of a sign-in that failed the one into which
//!   it would have led (docs/domain/security-events.md).
//! - A session is as good as its membership: without one in its organisation it does not resolve.
//! - What is mailed to prove an address is kept as hashes, counts for ten minutes, once, for one purpose, and ends with whatever else changes who gets
//!   in. A code needs what the asking program was given, and is tried five times. Looking at a link changes nothing.
//! - Whoever asks for mail learns nothing of the address: known and unknown ones have the same answer after the same work.
//! - When an address is proven by mail, nothing that was set up before the proof by somebody else goes on to let them in ([`auth_api::Proofs`]).
//! - What an authenticator is asked is kept sealed, for one answer, by whom it was asked; a passkey counts for its person alone, on pages of this server,
//!   with its person seen to. One whose counter falls is refused, and its person told.
//! - Whatever somebody proved first, who has a second factor shows it before there is a session: one function opens them (`service::admitting`). A code of
//!   an authenticator counts once, however many show it at a time; so do a recovery code and the sign-in that waits for it. What waits ends with whatever
//!   changes who gets in.
//! - The secret of an authenticator is sealed for its person; only a code shown makes it count.
//! - The serving role cannot read passwords and sessions at all: all of this runs as the platform.
//!
//! - Whom an identity provider knows is an account by issuer and subject. An address leads to an account where it is proven on both sides, and nowhere
//!   else; what began in one browser ends in it, once, at the provider that was asked.
//! - An API key may what its scopes and the present rights of its creator have in common, felt at once on every replica; warm, it costs no query,
//!   and a text without a key's checksum never one. Only the platform writes keys, and nobody else sees their hashes.
//! - The issuer of an organisation lets people into that organisation alone, who have an address of a domain that it has proven; such a session opens
//!   nothing else, and ends with the connection (docs/domain/single-sign-on.md).
//! - Operators of the platform look at an organisation that consents to it, for as long as it does; each of their requests is asked of the database and
//!   noted there before it is answered. They read what is listed, and write nothing.
//! - A token for another service lives for five minutes, no longer than what it was made on the strength of, and opens nothing here. Its key is shown
//!   before it signs, is nowhere kept, and is the same on every replica.
//!
//! Tables owned: `credentials`, `sessions`, `session_ends`, `known_devices`, `security_events`, `mailed_proofs` (and `address_proofs`, for the version before), `mail_counts`, `totp_factors`, `recovery_codes`, `pending_sign_ins`, `passkeys`,
//! `passkey_challenges`, `api_keys`, `api_key_settings`, `organization_events`, `token_keys`, `identities`, `sign_ins_elsewhere`,
//! `sign_on_connections`, `sign_on_identities`, `sign_on_leavers`, `sign_ons_begun`, `support_consents`, `support_sessions`, `support_requests`. The routes of sign-in live in `users`, which knows
//! people and organisations.

mod attempts;
mod budget;
mod cache;
mod challenge;
mod checked;
mod device;
mod elsewhere;
mod factor_resets;
mod factor_secret;
mod flights;
mod flood;
mod hasher;
mod held;
mod jwt;
mod key_cache;
mod key_mails;
mod key_rules;
mod key_settings;
mod key_token;
mod keys;
mod leaks;
mod model;
mod module;
mod organization_events;
mod passwords;
mod place;
mod policy;
mod proof;
mod provider_settings;
mod recovery;
mod repo;
mod roles;
mod schema;
mod sealer;
mod security;
mod security_event;
mod service;
mod service_tokens;
mod settings;
mod sign_on_resealing;
mod sign_on_secret;
mod sign_on_settings;
mod support;
mod support_desk;
mod support_ends;
mod support_token;
mod token;
mod token_key;
mod token_settings;
mod totp;
mod written;

pub use factor_resets::{FactorResetDependencies, FactorResetError, FactorResets, Resealed, reseal_authenticators};
pub use key_mails::KeyMails;
pub use key_settings::KeySettings;
pub use keys::{Keys, KeysDependencies};
pub use leaks::{LeakDependencies, LeakReports};
pub use module::MODULE;
pub use organization_events::OrganizationEvents;
pub use policy::{Policy, PolicyError};
pub use provider_settings::{ProviderKind, ProviderSettings};
pub use security::security_events;
pub use security_event::{SpentLimit, StoredEvent};
pub use service::{Dependencies, Elsewhere, Service, SignOn};
pub use service_tokens::{ServiceTokens, ServiceTokensDependencies, TokenRotation, rotate_token_keys};
pub use settings::Settings;
pub use sign_on_resealing::reseal_connections;
pub use sign_on_settings::SignOnSettings;
pub use support::{Support, SupportDependencies};
pub use support_desk::{StartedSupport, SupportDesk, SupportDeskDependencies, SupportError, SupportRegister};
pub use token_settings::TokenSettings;
