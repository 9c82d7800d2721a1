//! The tables of this crate, as diesel knows them.

diesel::table! {
    credentials (user_id) {
        user_id -> Uuid,
        password_hash -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    known_devices (token_hash) {
        token_hash -> Bytea,
        user_id -> Uuid,
        network_hash -> Nullable<Bytea>,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        returned -> Bool,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    security_events (id) {
        id -> Uuid,
        at -> Timestamptz,
        kind -> Text,
        user_id -> Nullable<Uuid>,
        address -> Nullable<Text>,
        request_id -> Text,
        organization -> Nullable<Uuid>,
    }
}

diesel::table! {
    sessions (token_hash) {
        token_hash -> Bytea,
        id -> Uuid,
        user_id -> Uuid,
        org_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}
