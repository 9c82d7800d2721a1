//! `Proofs`: the verbs that go by mail.

use async_trait::async_trait;
use auth_api::{Asked, Asking, Entered, Error, KnownDevice, Proofs, Purpose, SecurityEventKind, SetUpBefore, Shown};
use kernel::{Ctx, SessionId, UserId};
use secrecy::SecretString;

use super::Service;

#[async_trait]
impl Proofs for Service {
    async fn ask_verification(&self, ctx: &Ctx, asking: Asking<'_>) -> Result<Asked, Error> {
        self.ask_own_verification(ctx, asking).await
    }

    async fn verify(&self, shown: Shown, by: Option<(UserId, SessionId)>, asking: Asking<'_>) -> Result<SetUpBefore, Error> {
        self.verify_address(shown, by, asking).await
    }

    async fn ask_reset(&self, email: &str, asking: Asking<'_>) -> Result<Asked, Error> {
        self.ask_by_address(Purpose::ResetPassword, SecurityEventKind::PasswordResetAsked, email, asking).await
    }

    async fn reset(&self, shown: Shown, password: SecretString, asking: Asking<'_>) -> Result<Option<KnownDevice>, Error> {
        self.reset_password(shown, password, asking).await
    }

    async fn ask_magic_link(&self, email: &str, asking: Asking<'_>) -> Result<Asked, Error> {
        self.ask_by_address(Purpose::MagicLink, SecurityEventKind::MagicLinkAsked, email, asking).await
    }

    async fn follow_magic_link(&self, shown: Shown, asking: Asking<'_>, device: Option<&SecretString>) -> Result<Entered, Error> {
        self.sign_in_by_mail(shown, asking, device).await
    }

    async fn ask_address_change(
        &self,
        ctx: &Ctx,
        session: SessionId,
        email: &str,
        password: SecretString,
        asking: Asking<'_>,
    ) -> Result<Asked, Error> {
        self.ask_other_address(ctx, session, email, password, asking).await
    }

    async fn change_address(&self, shown: Shown, asking: Asking<'_>) -> Result<(), Error> {
        self.readdress(shown, asking).await
    }

    async fn address_of(&self, purpose: Purpose, token: &str) -> Result<Option<String>, Error> {
        self.address_shown(purpose, token).await
    }
}
