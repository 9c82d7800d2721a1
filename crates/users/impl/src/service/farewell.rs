//! How whoever has left is forgotten, step by step: each step is a transaction that notes it, so that it goes on where it was interrupted.
//!
//! Trails, contracts and postings name ids, and stay as they are: their chains still verify. What is forgotten is whom the ids mean, but for the name of
//! an organisation that others have contracts with.

use audit_api::NewEntry;
use kernel::{Ctx, Fault, OrgId, RequestId, UserId};
use serde_json::json;
use tenants_api::Remembered;
use uow::{Alarm, Tx};
use users_api::Error;
use uuid::Uuid;

use super::Service;
use super::leaving::suspension;
use crate::model::{DepartureState, Leaver, StoredDeparture};
use crate::repo;

/// The alarm of an organisation that was to be forgotten and is bound again, as by money that came back.
const BOUND: &str = "departure_bound";

/// Of so many steps an organisation's end consists.
const STEPS_OF_ORGANIZATION: i16 = 5;

impl Service {
    /// Ends what is due.
    pub(crate) async fn end_departures(&self) -> Result<(), Error> {
        let now = self.instant();
        let mut failed = None;
        for id in self.system.read(async |tx| repo::departures::due(tx, now).await).await? {
            // One that cannot go on keeps nobody else from being forgotten.
            if let Err(error) = self.end_departure(id).await {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Has whoever leaves be gone, as far as that is not done. Not before their time, which a sweep waits for if the job does not.
    pub(crate) async fn end_departure(&self, id: Uuid) -> Result<(), Error> {
        let Some(stored) = self.system.read(async |tx| repo::departures::get(tx, id).await).await? else { return Ok(()) };
        let is_over = matches!(stored.state, DepartureState::Kept | DepartureState::Left);
        if is_over || self.instant() < stored.departure.leaves_at {
            return Ok(());
        }
        match stored.leaver {
            Leaver::Organization(org) => self.end_organization(&stored, org).await,
            Leaver::Person(user) => self.end_person(&stored, user).await,
        }
    }

    async fn end_person(&self, stored: &StoredDeparture, user: UserId) -> Result<(), Error> {
        let id = stored.departure.id;
        // What leaves along goes first. As long as something binds that, the account waits with it.
        let along = self.system.write(async |tx| repo::departures::along(tx, &stored.departure).await).await?;
        for found in along {
            if let Leaver::Organization(org) = found.leaver {
                self.end_organization(&found, org).await?;
            }
        }
        self.system
            .write(async |tx| {
                // The person first, as when they asked for it.
                repo::lock_for_removal(tx, user).await?;
                if self.step_in(tx, id, 0).await? && self.may_go_in(tx, stored, user).await? {
                    repo::departures::advance(tx, id, 1, DepartureState::Leaving).await?;
                }
                Ok::<_, Error>(())
            })
            .await?;
        self.system
            .write(async |tx| {
                // The person first, as when they asked for it.
                let is_there = repo::lock_for_removal(tx, user).await?;
                if !self.step_in(tx, id, 1).await? {
                    return Ok(());
                }
                if is_there {
                    self.accounts.remove_in(tx, user).await?;
                    repo::invitations::delete_of_person(tx, user).await?;
                    repo::anonymise(tx, user).await?;
                    repo::exports::delete_of(tx, Leaver::Person(user)).await?;
                }
                repo::departures::advance(tx, id, 2, DepartureState::Left).await
            })
            .await?;
        Ok(())
    }

    async fn end_organization(&self, stored: &StoredDeparture, org: OrgId) -> Result<(), Error> {
        let (id, ctx) = (stored.departure.id, Ctx::system(org, RequestId::generate()));
        // Money may have come back since. What has begun to go is bound by nothing.
        if stored.state == DepartureState::Waiting {
            let bonds = self.bonds(org, &ctx.request).await?;
            if !bonds.is_empty() {
                return self.wait_for(id, org, &bonds).await;
            }
        }
        for step in stored.steps..STEPS_OF_ORGANIZATION {
            // What other domains do is done in their own transactions, and once more if this is interrupted before it is noted.
            let mut remembered = Remembered::AsLeft;
            match step {
                1 => {
                    for domain in &self.belongings {
                        domain.erase(&ctx).await?;
                    }
                }
                4 => {
                    for domain in &self.obligations {
                        if domain.are_remembered(&ctx).await? {
                            remembered = Remembered::ByName;
                        }
                    }
                }
                _ => {}
            }
            let bond = self
                .system
                .write(async |tx| {
                    let organization = self.memberships.lock_organization_in(tx, org).await?;
                    // Once more under the lock: it may have been suspended since it was asked what binds it.
                    let bond = suspension(&organization).filter(|_| step == 0);
                    if bond.is_none() && self.step_in(tx, id, step).await? {
                        self.forget_in(tx, &ctx, id, step, remembered).await?;
                    }
                    Ok::<_, Error>(bond)
                })
                .await?;
            if let Some(bond) = bond {
                return self.wait_for(id, org, &[bond]).await;
            }
        }
        Ok(())
    }

    /// Whether this step is the next one of a departure, which is locked from now on: another process may have done it.
    async fn step_in(&self, tx: &mut Tx, id: Uuid, step: i16) -> Result<bool, Fault> {
        let Some(stored) = repo::departures::lock(tx, id).await? else { return Ok(false) };
        let is_open = matches!(stored.state, DepartureState::Waiting | DepartureState::Leaving);
        Ok(is_open && stored.steps == step)
    }

    /// One step of an organisation's end.
    async fn forget_in(&self, tx: &mut Tx, ctx: &Ctx, id: Uuid, step: i16, remembered: Remembered) -> Result<(), Error> {
        let org = ctx.org;
        let mut state = DepartureState::Leaving;
        match step {
            0 => {
                let entry = NewEntry::named("organization.leave", "organization", org).after(json!({ "departure": id }));
                self.audit.record_in(tx, ctx, entry).await?;
            }
            2 => {
                let members = self.memberships.all_in(tx, org).await?;
                for member in &members {
                    self.leave_teams_in(tx, ctx, member.user).await?;
                    let entry = NewEntry::named("members.disband", "member", member.user).before(json!({ "role": member.role }));
                    self.audit.record_in(tx, ctx, entry).await?;
                }
                self.memberships.disband_in(tx, ctx).await?;
            }
            3 => {
                repo::invitations::delete_all(tx, org).await?;
                repo::links::delete_all(tx, org).await?;
                repo::domains::delete_all(tx, org).await?;
                repo::exports::delete_of(tx, Leaver::Organization(org)).await?;
            }
            4 => {
                self.memberships.forget_organization_in(tx, org, remembered).await?;
                let named = remembered == Remembered::ByName;
                let entry = NewEntry::named("organization.left", "organization", org).after(json!({ "keepsName": named }));
                self.audit.record_in(tx, ctx, entry).await?;
                tx.end_alarms(BOUND, &[org.to_string()]).await?;
                state = DepartureState::Left;
            }
            // What belongs to it alone is gone by now.
            _ => {}
        }
        Ok(repo::departures::advance(tx, id, step + 1, state).await?)
    }

    /// Somebody has to see to what binds it, since nobody acts in it. It is looked at again with each sweep.
    async fn wait_for(&self, id: Uuid, org: OrgId, bonds: &[String]) -> Result<(), Error> {
        let detail = format!("it was to be forgotten and is bound by {}: settle that; it goes by itself then", bonds.join(", "));
        self.system
            .write(async |tx| {
                if self.step_in(tx, id, 0).await? {
                    let about = ("organization", org.to_string());
                    tx.alarm(Alarm { kind: BOUND, about, org: Some(org), detail }).await?;
                }
                Ok::<_, Fault>(())
            })
            .await?;
        Ok(())
    }
}
