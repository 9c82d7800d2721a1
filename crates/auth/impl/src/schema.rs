//! The tables of this crate, as diesel knows them.

diesel::table! {
    address_proofs (id) {
        id -> Uuid,
        purpose -> Text,
        email -> Text,
        email_key -> Text,
        user_id -> Nullable<Uuid>,
        session_id -> Nullable<Uuid>,
        token_hash -> Bytea,
        request_hash -> Bytea,
        code_hash -> Bytea,
        tries -> SmallInt,
        made_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        asked -> Integer,
        asked_since -> Timestamptz,
    }
}

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
    }
}
