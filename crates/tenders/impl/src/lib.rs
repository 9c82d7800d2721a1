//! Tenders and bids.
