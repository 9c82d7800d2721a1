//! For tests: a trail in memory. A plain module, as `auth_api::fake` says why.

use std::sync::Mutex;

use async_trait::async_trait;
use kernel::{Ctx, Denied, Fault, OrgId, Page, PageRequest};
use uow::Tx;

use crate::{Audit, Entry, Error, Filter, NewEntry};

/// Keeps every entry with its organisation, those of transactions that were rolled back too.
#[derive(Default)]
pub struct Trail(Mutex<Vec<(OrgId, NewEntry)>>);

impl Trail {
    /// All entries.
    ///
    /// # Panics
    /// If a test panicked while it wrote.
    pub fn entries(&self) -> Vec<(OrgId, NewEntry)> {
        self.0.lock().expect("nobody panics while writing").clone()
    }

    /// The actions in an organisation's trail.
    pub fn actions(&self, org: OrgId) -> Vec<String> {
        self.entries().into_iter().filter(|(of, _)| *of == org).map(|(_, entry)| entry.action).collect()
    }

    /// What was noted after each action of that name.
    pub fn after(&self, action: &str) -> Vec<serde_json::Value> {
        self.entries().into_iter().filter(|(_, entry)| entry.action == action).filter_map(|(_, entry)| entry.after).collect()
    }
}

#[async_trait]
impl Audit for Trail {
    async fn record_in(&self, _: &mut Tx, ctx: &Ctx, entry: NewEntry) -> Result<(), Fault> {
        self.0.lock().expect("nobody panics while writing").push((ctx.org, entry));
        Ok(())
    }

    async fn record_denial(&self, _: &Ctx, _: &Denied, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn list(&self, _: &Ctx, _: &Filter, _: PageRequest) -> Result<Page<Entry>, Error> {
        Ok(Page { items: Vec::new(), next: None })
    }
}
