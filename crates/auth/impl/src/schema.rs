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
        device -> Nullable<Text>,
        address -> Nullable<Text>,
        last_seen_at -> Nullable<Timestamptz>,
        authenticated_at -> Nullable<Timestamptz>,
        sign_in_id -> Nullable<Uuid>,
        method -> Text,
    }
}
