//! Contracts, milestones, protected payments and the ledger.
