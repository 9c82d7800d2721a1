//! Passkeys by the standard (W3C WebAuthn), with `webauthn-rs`: the port [`auth_api::Ceremonies`].
//!
//! Invariants:
//! - A key is bound to the name of `server.public_url`, and used on its pages alone: neither another origin, nor a page that shows ours in a frame.
//! - The authenticator sees that it is its person (user verification), when a key is made and whenever it is used.
//! - A key is asked to be found without a name (a resident one): each is good for signing in by itself.
//! - A counter that does not rise where one is kept shows a copy, and proves nothing.
//! - No make of authenticator is asked for (attestation `none`): people bring their own.

mod address;
mod answers;

use std::time::Duration;

use auth_api::{Ceremonies, Ceremony, KeptKey, KeyOwner, MadeKey, ShownKey, Unproven};
use kernel::Fault;
use serde_json::{Value, json};
use webauthn_rs::prelude::{Credential, DiscoverableAuthentication, Passkey, PasskeyRegistration, WebauthnError};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use address::{Address, address_of};

/// For so long a browser waits for an authenticator. As long as a challenge counts.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Makes and checks passkeys of one server.
#[derive(Debug)]
pub struct Authenticators {
    /// Nothing where its address has no name.
    webauthn: Option<Webauthn>,
}

impl Authenticators {
    /// Of the server at this URL. Where it is not known, or a number, no passkeys can be made; on the machine itself it is `localhost` then.
    ///
    /// # Errors
    /// A fault if the URL is none.
    pub fn of(public_url: &str) -> Result<Self, Fault> {
        if public_url.is_empty() {
            return Ok(Self { webauthn: None });
        }
        let Some(Address { name, origin }) = address_of(public_url)? else { return Ok(Self { webauthn: None }) };
        let unusable = |error: WebauthnError| Fault::internal(format!("passkeys cannot be bound to {name}: {error:?}"));
        let builder = WebauthnBuilder::new(&name, &origin).map_err(unusable)?;
        let webauthn = builder.rp_name("14Build").timeout(TIMEOUT).build().map_err(unusable)?;
        Ok(Self { webauthn: Some(webauthn) })
    }

    fn webauthn(&self) -> Result<&Webauthn, Unproven> {
        self.webauthn.as_ref().ok_or(Unproven::Unavailable)
    }
}

fn fault(error: impl std::fmt::Debug) -> Unproven {
    Unproven::Fault(Fault::internal(format!("{error:?}")))
}

/// What is wrong with an answer is nobody's business but a log's.
fn refused(error: WebauthnError) -> Unproven {
    match error {
        WebauthnError::CredentialPossibleCompromise => Unproven::CounterFell,
        _ => Unproven::Refused,
    }
}

/// A key as the domain keeps it.
fn kept(credential: &Credential) -> Result<KeptKey, Unproven> {
    Ok(KeptKey {
        credential_id: credential.cred_id.clone(),
        credential: serde_json::to_string(credential).map_err(fault)?,
        counter: credential.counter,
        backup_eligible: credential.backup_eligible,
        backed_up: credential.backup_state,
    })
}

/// The part of the options that `navigator.credentials` is given.
fn public_key(options: impl serde::Serialize) -> Result<Value, Unproven> {
    let mut options = serde_json::to_value(options).map_err(fault)?;
    Ok(options["publicKey"].take())
}

impl Ceremonies for Authenticators {
    fn begin(&self, owner: KeyOwner<'_>, known: &[Vec<u8>]) -> Result<Ceremony, Unproven> {
        let (options, state) = self
            .webauthn()?
            .start_passkey_registration(owner.user.0, owner.email, owner.name, Some(known.to_vec()))
            .map_err(fault)?;
        let mut options = public_key(options)?;
        // The crate asks for none: who has one signs in without a password, and without telling a name.
        options["authenticatorSelection"]["residentKey"] = json!("required");
        options["authenticatorSelection"]["requireResidentKey"] = json!(true);
        Ok(Ceremony { options, state: serde_json::to_string(&state).map_err(fault)? })
    }

    fn made(&self, state: &str, made: &MadeKey) -> Result<KeptKey, Unproven> {
        let webauthn = self.webauthn()?;
        let state: PasskeyRegistration = serde_json::from_str(state).map_err(fault)?;
        let answer = answers::made(made).ok_or(Unproven::Refused)?;
        let passkey = webauthn.finish_passkey_registration(&answer, &state).map_err(refused)?;
        kept(&Credential::from(passkey))
    }

    fn ask(&self, known: &[Vec<u8>]) -> Result<Ceremony, Unproven> {
        let (options, state) = self.webauthn()?.start_discoverable_authentication().map_err(fault)?;
        let mut options = public_key(options)?;
        options["allowCredentials"] = known.iter().map(|id| json!({ "type": "public-key", "id": answers::text(id) })).collect();
        Ok(Ceremony { options, state: serde_json::to_string(&state).map_err(fault)? })
    }

    fn shown(&self, state: &str, credential: &str, shown: &ShownKey) -> Result<KeptKey, Unproven> {
        let webauthn = self.webauthn()?;
        let state: DiscoverableAuthentication = serde_json::from_str(state).map_err(fault)?;
        let credential: Credential = serde_json::from_str(credential).map_err(fault)?;
        let answer = answers::shown(shown).ok_or(Unproven::Refused)?;
        let seen = webauthn.finish_discoverable_authentication_v2(&answer, state, &credential).map_err(refused)?;
        if !seen.user_verified() {
            return Err(Unproven::Refused);
        }
        let mut passkey = Passkey::from(credential);
        passkey.update_credential(&seen);
        kept(&Credential::from(passkey))
    }
}
