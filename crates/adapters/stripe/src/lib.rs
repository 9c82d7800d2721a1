//! The payment provider's port of escrow, spoken to Stripe.
