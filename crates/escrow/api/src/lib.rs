//! Contracts, milestones, protected payments and the ledger as other crates see them.
