//! Payee accounts: one per organisation, read again whenever it matters, replaced once it is closed.

use async_trait::async_trait;
use audit_api::NewEntry;
use escrow_api::{AccountState, Error, Onboarding, Payee, PayeeStatus, Payees, ProviderError, perm};
use kernel::{Ctx, Fault, RequestId, Scope};
use serde_json::json;
use uow::Tx;

use super::intents::{CLOCK_SKEW, numbered};
use super::{Service, conflict, without_idempotency_key};
use crate::jobs::SyncAccount;
use crate::model::stored::StoredPayee;
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
    pub async fn sync_account(&self, job: SyncAccount) -> Result<(), Error> {
        let ctx = Ctx::system(job.org, RequestId::generate());
        let payee = self.own_payee(&ctx).await?;
        let Some(account) = payee.account.filter(|_| payee.status != PayeeStatus::Closed) else { return Ok(()) };
        match self.apply_account_state(&ctx, &account).await {
            Ok(_) => Ok(()),
            // It is gone, or we are no longer let in: nothing is paid out to it any more.
            Err(Error::ProviderRefused { message, .. }) => self.closed(&ctx, &account, &message).await,
            Err(error) => {
                if let Err(fault) = self.uow.write(&ctx, async |tx| self.put_account_off_in(tx, &ctx).await).await {
                    tracing::warn!(%fault, org = %job.org, "the next look at a payee account cannot be put off");
                }
                Err(error)
            }
        }
    }

    /// A look that failed counts as one that found nothing new: others have their turn before it is looked at again.
    async fn put_account_off_in(&self, tx: &mut Tx, ctx: &Ctx) -> Result<(), Fault> {
        let row = repo::payees::lock(tx, ctx.org).await?;
        let (looks, next) = self.again(false, row.looks, row.next_look_at);
        repo::payees::look_later(tx, &row, looks, next).await
    }

    async fn closed(&self, ctx: &Ctx, account: &str, reason: &str) -> Result<(), Error> {
        self.uow
            .write(ctx, async |tx| {
                if repo::payees::close(tx, ctx.org, account, reason).await? {
                    let entry = NewEntry::named("payee_account.closed", "payee_account", ctx.org)
                        .after(json!({ "status": PayeeStatus::Closed, "account": account, "reason": reason }));
                    self.record_in(tx, ctx, entry).await?;
                }
                Ok(())
            })
            .await
    }

    async fn apply_account_state(&self, ctx: &Ctx, account: &str) -> Result<Payee, Error> {
        let seen = self.provider.account(account).await?;
        self.uow.write(ctx, async |tx| self.apply_account_state_in(tx, ctx, &seen).await).await
    }

    /// Takes over what was seen, and records what it changed.
    async fn apply_account_state_in(&self, tx: &mut Tx, ctx: &Ctx, seen: &AccountState) -> Result<Payee, Error> {
        let row = repo::payees::lock(tx, ctx.org).await?;
        let changed = row.status != repo::payees::status_of(seen) || row.account.is_none();
        let (looks, next) = self.again(changed, row.looks, row.next_look_at);
        repo::payees::apply_account_state(tx, &row, seen, looks, next).await?;
        let before = row.payee();
        let after = repo::payees::get(reader(tx), ctx.org).await?;
        if (before.status, &before.account) != (after.status, &after.account) {
            let entry = NewEntry::named("payee_account.changed", "payee_account", ctx.org)
                .before(json!({ "status": before.status, "account": before.account }))
                .after(json!({ "status": after.status, "account": after.account, "disabledReason": after.disabled_reason }));
            self.record_in(tx, ctx, entry).await?;
        }
        Ok(after)
    }

    /// The account to go on with: the organisation's, or a new one if it has none, or if the one it had is closed.
    async fn account_to_onboard(&self, ctx: &Ctx) -> Result<AccountState, Error> {
        for _ in 0..2 {
            let row = self.uow.write(ctx, async |tx| self.account_row_in(tx, ctx).await).await?;
            let Some(account) = &row.account else { return self.create_account(ctx, &row).await };
            match self.provider.account(account).await {
                Err(ProviderError::Refused { message, .. }) => self.closed(ctx, account, &message).await?,
                seen => return Ok(seen?),
            }
        }
        Err(conflict("payee account", PayeeStatus::Closed, "it was closed a moment ago: ask again"))
    }

    /// Room for the account. A closed one is given up for good, on the word of an owner.
    async fn account_row_in(&self, tx: &mut Tx, ctx: &Ctx) -> Result<StoredPayee, Error> {
        repo::payees::ensure(tx, ctx.org).await?;
        let row = repo::payees::lock(tx, ctx.org).await?;
        let Some(account) = row.account.as_ref().filter(|_| row.status == PayeeStatus::Closed) else { return Ok(row) };
        self.authorizer.check(ctx, perm::PAYEE_REPLACE, Scope::Organization)?;
        repo::payees::retire(tx, &row, account, ctx.user_id()).await?;
        let entry = NewEntry::of(perm::PAYEE_REPLACE, "payee_account", ctx.org)
            .before(json!({ "status": PayeeStatus::Closed, "account": account, "reason": row.disabled_reason }))
            .after(json!({ "status": PayeeStatus::Onboarding, "account": null }));
        self.record_in(tx, ctx, entry).await?;
        Ok(repo::payees::lock(tx, ctx.org).await?)
    }

    /// A new account. Until somebody sets it up it is harmless: after an answer that its key would repeat for a day, the next key is used;
    /// but what the spent one made all the same is found, and taken.
    async fn create_account(&self, ctx: &Ctx, row: &StoredPayee) -> Result<AccountState, Error> {
        let organization = ctx.org.to_string();
        let mut key_no = row.key_no;
        let mut again = true;
        loop {
            let key = numbered(&format!("acct_{organization}"), key_no);
            let failed = match self.provider.create_account(&organization, None, &key).await {
                Err(error @ (ProviderError::KeySpent(_) | ProviderError::Refused { .. })) => error,
                answer => return Ok(answer?),
            };
            let refused = matches!(failed, ProviderError::Refused { .. });
            if !refused && let Some(found) = self.account_created_before(ctx, row).await? {
                return Ok(found);
            }
            let spent = key_no;
            key_no = self.uow.write(ctx, async |tx| repo::payees::next_key(tx, ctx.org, spent).await).await?;
            tracing::warn!(org = %ctx.org, key_no, error = %failed, "the next key is used");
            if refused || !std::mem::take(&mut again) {
                return Err(failed.into());
            }
        }
    }

    async fn account_created_before(&self, ctx: &Ctx, row: &StoredPayee) -> Result<Option<AccountState>, Error> {
        let retired = self.uow.read(ctx, async |tx| repo::payees::retired(db::PgRead::pg(tx), ctx.org).await).await?;
        let found = self.provider.accounts_of(&ctx.org.to_string(), row.updated_at - CLOCK_SKEW).await?;
        Ok(found.into_iter().filter(|seen| !retired.contains(&seen.id)).max_by_key(|seen| seen.details_submitted))
    }

    /// Before the account decides about something: a look at it, if it was not active when last seen. What the provider cannot tell now,
    /// its event will.
    pub(super) async fn refresh_own_payee(&self, ctx: &Ctx) {
        let system = Ctx::system(ctx.org, ctx.request.clone());
        let Ok(Payee { status: PayeeStatus::Onboarding | PayeeStatus::Restricted, account: Some(account), .. }) =
            self.own_payee(&system).await
        else {
            return;
        };
        if let Err(error) = self.apply_account_state(&system, &account).await {
            tracing::warn!(%error, org = %ctx.org, "the payee account cannot be read now");
        }
    }
}

#[async_trait]
impl Payees for Service {
    async fn onboard(&self, ctx: &Ctx) -> Result<Onboarding, Error> {
        self.authorizer.check(ctx, perm::PAYEE_MANAGE, Scope::Organization)?;
        self.uow.refuse_repetition(ctx).await?;
        let free = without_idempotency_key(ctx);
        let seen = self.account_to_onboard(&free).await?;
        // Kept before the link is asked for: an account that was made is never lost.
        self.uow.write(&free, async |tx| self.apply_account_state_in(tx, &free, &seen).await).await?;
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
        self.authorizer.check(ctx, perm::PAYEE_READ, Scope::Organization)?;
        self.refresh_own_payee(ctx).await;
        self.own_payee(ctx).await
    }
}
