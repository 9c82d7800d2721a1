//! Payee accounts (Q1, Q2): made once per organisation, read again whenever it matters.

use async_trait::async_trait;
use audit_api::NewEntry;
use escrow_api::{AccountState, Error, Onboarding, Payee, PayeeStatus, Payees, perm};
use kernel::{Ctx, RequestId, Scope};
use serde_json::json;
use uow::Tx;

use super::{Service, unkeyed};
use crate::jobs::AccountJob;
use crate::repo;
use crate::repo::reader;

impl Service {
    async fn own_payee(&self, ctx: &Ctx) -> Result<Payee, Error> {
        self.uow.read_one(ctx, async |tx| Ok(repo::payees::get(db::PgRead::pg(tx), ctx.org).await?)).await
    }

    /// Reads the organisation's account at the provider and takes over its state.
    ///
    /// # Errors
    /// The provider's, if it does not answer.
    pub async fn sync_account(&self, job: AccountJob) -> Result<(), Error> {
        let ctx = Ctx::system(job.org, RequestId::generate());
        let Some(account) = self.own_payee(&ctx).await?.account else { return Ok(()) };
        match self.learn_account(&ctx, &account).await {
            Ok(_) => Ok(()),
            // It is gone, or we are no longer let in (Q2): nothing is paid out to it until it can be read again.
            Err(Error::ProviderRefused { message, .. }) => {
                self.uow
                    .write(&ctx, async |tx| {
                        repo::payees::close(tx, ctx.org, &message).await?;
                        let entry = NewEntry::named("payee_account.closed", "payee_account", ctx.org)
                            .after(json!({ "status": PayeeStatus::Closed, "reason": message }));
                        Ok(self.record_in(tx, &ctx, entry).await?)
                    })
                    .await
            }
            Err(error) => Err(error),
        }
    }

    async fn learn_account(&self, ctx: &Ctx, account: &str) -> Result<Payee, Error> {
        let seen = self.provider.account(account).await?;
        self.uow.write(ctx, async |tx| self.learn_account_in(tx, ctx, &seen).await).await
    }

    /// Takes over what was seen, and records what it changed.
    async fn learn_account_in(&self, tx: &mut Tx, ctx: &Ctx, seen: &AccountState) -> Result<Payee, Error> {
        let before = repo::payees::learn(tx, ctx.org, seen).await?;
        let after = repo::payees::get(reader(tx), ctx.org).await?;
        if (before.status, &before.account) != (after.status, &after.account) {
            let entry = NewEntry::named("payee_account.changed", "payee_account", ctx.org)
                .before(json!({ "status": before.status, "account": before.account }))
                .after(json!({ "status": after.status, "account": after.account, "disabledReason": after.disabled_reason }));
            self.record_in(tx, ctx, entry).await?;
        }
        Ok(after)
    }

    /// Before the account decides about something: a look at it, if it was not active when last seen. What the provider cannot tell now,
    /// its event will.
    pub(super) async fn refresh_own_payee(&self, ctx: &Ctx) {
        let system = Ctx::system(ctx.org, ctx.request.clone());
        match self.own_payee(&system).await {
            Ok(Payee { status, account: Some(account), .. }) if status != PayeeStatus::Active => {
                if let Err(error) = self.learn_account(&system, &account).await {
                    tracing::warn!(%error, org = %ctx.org, "the payee account cannot be read now");
                }
            }
            _ => {}
        }
    }
}

#[async_trait]
impl Payees for Service {
    async fn onboard(&self, ctx: &Ctx) -> Result<Onboarding, Error> {
        self.authz.check(ctx, perm::PAYEE_MANAGE, Scope::Organization)?;
        self.peek(ctx).await?;
        let free = unkeyed(ctx);
        let seen = match self.own_payee(&free).await?.account {
            Some(account) => self.provider.account(&account).await?,
            None => {
                let organization = ctx.org.to_string();
                self.provider.create_account(&organization, None, &format!("acct_{}", ctx.org)).await?
            }
        };
        // Kept before the link is asked for: an account that was made is never lost.
        self.uow
            .write(&free, async |tx| {
                repo::payees::ensure(tx, ctx.org).await?;
                self.learn_account_in(tx, &free, &seen).await
            })
            .await?;
        let (back, again) = (&self.settings.onboarding_return_url, &self.settings.onboarding_refresh_url);
        let url = self.provider.onboarding_link(&seen.id, back, again).await?;
        self.uow
            .write(ctx, async |tx| {
                let payee = repo::payees::get(reader(tx), ctx.org).await?;
                let entry = NewEntry::of(perm::PAYEE_MANAGE, "payee_account", ctx.org)
                    .after(json!({ "status": payee.status, "account": payee.account }));
                self.record_in(tx, ctx, entry).await?;
                Ok(Onboarding { payee, url: url.clone() })
            })
            .await
    }

    async fn payee(&self, ctx: &Ctx) -> Result<Payee, Error> {
        self.authz.check(ctx, perm::PAYEE_READ, Scope::Organization)?;
        self.refresh_own_payee(ctx).await;
        self.own_payee(ctx).await
    }
}
