//! The tables of this domain, as diesel knows them.

diesel::table! {
    mails (id) {
        id -> Uuid,
        key_digest -> Bytea,
        address -> Text,
        template -> Text,
        language -> Text,
        content -> Nullable<Bytea>,
        state -> Text,
        attempts -> Integer,
        message_id -> Nullable<Text>,
        provider_id -> Nullable<Text>,
        reason -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    mail_suppressions (address) {
        address -> Text,
        cause -> Text,
        reason -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}
