//! The worker: jobs, the outbox relay, dead jobs.
