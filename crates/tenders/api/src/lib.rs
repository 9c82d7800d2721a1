//! Tenders and bids as other crates see them.
