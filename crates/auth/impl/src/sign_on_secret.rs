//! `SignOnSecret`: under what the secrets of organisations' clients at their issuers are sealed, each for its connection.

use auth_api::ConnectionId;
use kernel::{Fault, OrgId};
use secrecy::{ExposeSecret, SecretString};

use crate::sealer::Sealer;

/// Derived from the deployment's secret, for this purpose alone.
pub(crate) struct SignOnSecret(Sealer);

/// The secret of a client, and whether it is to be sealed anew.
pub(crate) struct OpenedSecret {
    pub secret: SecretString,
    pub is_old: bool,
}

impl SignOnSecret {
    /// By the present secret, and by those before it.
    pub(crate) fn derived(current: &SecretString, previous: &[SecretString]) -> Result<Self, Fault> {
        Ok(Self(Sealer::derived(b"14build/sign-on-secret", current, previous)?))
    }

    /// A client's secret as it is stored: of this connection of this organisation, and of no other one.
    pub(crate) fn seal(&self, of: (OrgId, ConnectionId), secret: &SecretString) -> Result<Vec<u8>, Fault> {
        self.0.seal(&bound(of), secret.expose_secret().as_bytes())
    }

    /// What was sealed for that connection.
    pub(crate) fn open(&self, of: (OrgId, ConnectionId), stored: &[u8]) -> Result<OpenedSecret, Fault> {
        let opened = self.0.open(&bound(of), stored)?;
        let secret = String::from_utf8(opened.secret).map_err(|_| Fault::internal("a sealed secret is no text"))?;
        Ok(OpenedSecret { secret: secret.into(), is_old: opened.is_old })
    }
}

fn bound((org, connection): (OrgId, ConnectionId)) -> Vec<u8> {
    [*org.0.as_bytes(), *connection.0.as_bytes()].concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    #[test]
    fn a_clients_secret_opens_for_its_connection_and_its_organisation_alone() {
        let [one, two]: [SecretString; 2] = ["one", "two"].map(|text| text.to_owned().into());
        let (here, there, first, second) = (OrgId::new(), OrgId::new(), ConnectionId::new(), ConnectionId::new());
        let sealer = SignOnSecret::derived(&one, &[]).unwrap();
        let sealed = sealer.seal((here, first), &"of the client".to_owned().into()).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"client"));
        let opened = sealer.open((here, first), &sealed).unwrap();
        assert_eq!((opened.secret.expose_secret(), opened.is_old), ("of the client", false));
        assert!(sealer.open((there, first), &sealed).is_err(), "turned to another organisation");
        assert!(sealer.open((here, second), &sealed).is_err(), "turned to another issuer");
        assert!(SignOnSecret::derived(&two, &[one]).unwrap().open((here, first), &sealed).unwrap().is_old);
        assert!(SignOnSecret::derived(&two, &[]).unwrap().open((here, first), &sealed).is_err());
    }
}
