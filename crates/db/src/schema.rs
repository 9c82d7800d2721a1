//! The tables of this crate, as diesel knows them.

diesel::table! {
    idempotency_keys (org_id, user_id, key) {
        org_id -> Uuid,
        user_id -> Uuid,
        key -> Text,
        fingerprint -> Bytea,
        claimed_at -> Timestamptz,
        status -> Nullable<Int2>,
        headers -> Nullable<Jsonb>,
        body -> Nullable<Bytea>,
    }
}
