//! `State`: what of a cache was forgotten, and whether it hears what is to be.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use kernel::{OrgId, UserId};

use crate::token::TokenHash;

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forgotten {
    Session(TokenHash),
    Person(UserId),
    Member(UserId, OrgId),
    Organization(OrgId),
    Everything,
}

/// So many of the last are remembered: look-ups take milliseconds.
pub(super) const REMEMBERED: usize = 1024;

/// What a cache knows besides what it keeps.
#[derive(Default)]
pub(super) struct State {
    pub(super) generation: u64,
    /// What was forgotten last, one for each generation, the newest at the end.
    recent: VecDeque<Forgotten>,
    pub(super) listening: bool,
    /// Whether notifications come in such a flood that none is looked at: what is found meanwhile is not kept.
    pub(super) flooded: bool,
    pub(super) marks: HashMap<UserId, Vec<(OrgId, Arc<()>)>>,
    pub(super) orgs: HashMap<OrgId, Arc<()>>,
}

impl State {
    pub(super) fn forget(&mut self, what: Forgotten) {
        self.generation += 1;
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(what);
    }

    /// Whether a session was forgotten since a look-up began, or may have been.
    pub(super) fn forgot(&self, began: Generation, hash: &TokenHash, user: UserId, org: OrgId) -> bool {
        let Ok(since) = usize::try_from(self.generation - began.0) else { return true };
        since > self.recent.len()
            || self.recent.iter().rev().take(since).any(|what| match what {
                Forgotten::Session(forgotten) => forgotten == hash,
                Forgotten::Person(forgotten) => *forgotten == user,
                Forgotten::Member(forgotten, place) => *forgotten == user && *place == org,
                Forgotten::Organization(forgotten) => *forgotten == org,
                Forgotten::Everything => true,
            })
    }

    /// The mark of a person in an organisation. Marks on which nothing leans any more are dropped before there are too many.
    pub(super) fn mark(&mut self, user: UserId, org: OrgId, most: usize) -> Weak<()> {
        if self.marks.len() >= most {
            self.marks.retain(|_, places| {
                places.retain(|(_, mark)| Arc::weak_count(mark) > 0);
                !places.is_empty()
            });
        }
        let places = self.marks.entry(user).or_default();
        if let Some((_, mark)) = places.iter().find(|(place, _)| *place == org) {
            return Arc::downgrade(mark);
        }
        let mark = Arc::new(());
        let weak = Arc::downgrade(&mark);
        places.push((org, mark));
        weak
    }

    /// The mark of an organisation, likewise.
    pub(super) fn mark_of(&mut self, org: OrgId, most: usize) -> Weak<()> {
        if self.orgs.len() >= most {
            self.orgs.retain(|_, mark| Arc::weak_count(mark) > 0);
        }
        Arc::downgrade(self.orgs.entry(org).or_default())
    }

    pub(super) fn drop_marks(&mut self) {
        self.marks.clear();
        self.orgs.clear();
    }
}

/// When a look-up began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(pub(crate) u64);
