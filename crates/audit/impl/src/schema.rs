//! The tables of this crate, as diesel knows them. The head rows are written by the database alone.

diesel::table! {
    audit_entries (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        at -> Timestamptz,
        actor_id -> Nullable<Uuid>,
        action -> Text,
        denied -> Bool,
        entity_type -> Text,
        entity_id -> Uuid,
        request_id -> Text,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
        api_key_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    audit_links (org_id, sequence) {
        org_id -> Uuid,
        sequence -> Int8,
        entry_id -> Uuid,
        previous_hash -> Bytea,
        hash -> Bytea,
    }
}

diesel::table! {
    audit_heads (org_id) {
        org_id -> Uuid,
        sequence -> Int8,
        previous_hash -> Bytea,
        hash -> Bytea,
    }
}

diesel::table! {
    audit_checkpoints (org_id, sequence) {
        org_id -> Uuid,
        sequence -> Int8,
        hash -> Bytea,
        round -> Int8,
        signed_at -> Timestamptz,
        key_id -> Text,
        signature -> Bytea,
    }
}

diesel::table! {
    audit_rounds (round) {
        round -> Int8,
        heads -> Int4,
        digest -> Bytea,
        signed_at -> Timestamptz,
        key_id -> Text,
        signature -> Bytea,
    }
}

diesel::allow_tables_to_appear_in_same_query!(audit_entries, audit_links);
