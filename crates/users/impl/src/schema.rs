//! The tables of this crate, as diesel knows them.

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        email_key -> Text,
        email_look -> Nullable<Text>,
        name -> Text,
        image -> Nullable<Text>,
        email_verified -> Bool,
        language -> Nullable<Text>,
        removed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    member_invitations (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        email -> Text,
        email_key -> Text,
        name -> Nullable<Text>,
        invited_by -> Uuid,
        status -> Text,
        created_at -> Timestamptz,
        decided_at -> Nullable<Timestamptz>,
        mailed -> Int2,
        mailed_at -> Timestamptz,
    }
}

diesel::table! {
    invitation_links (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        token_hash -> Bytea,
        label -> Nullable<Text>,
        domains -> Array<Text>,
        most_uses -> Int4,
        uses -> Int4,
        created_by -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    departures (id) {
        id -> Uuid,
        organization -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        asked_by -> Uuid,
        asked_at -> Timestamptz,
        leaves_at -> Timestamptz,
        token_hash -> Nullable<Bytea>,
        language -> Text,
        state -> Text,
        steps -> SmallInt,
        decided_by -> Nullable<Uuid>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    ownership_offers (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        offered_by -> Uuid,
        offered_to -> Uuid,
        status -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    organization_domains (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        domain -> Text,
        challenge -> Text,
        claimed_by -> Uuid,
        created_at -> Timestamptz,
        proven_at -> Nullable<Timestamptz>,
        looked_at -> Nullable<Timestamptz>,
        missing_since -> Nullable<Timestamptz>,
        tried_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    exports (id) {
        id -> Uuid,
        user_id -> Uuid,
        organization -> Nullable<Uuid>,
        language -> Text,
        state -> Text,
        size -> Nullable<BigInt>,
        digest -> Nullable<Bytea>,
        asked_at -> Timestamptz,
        expires_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    export_parts (export_id, position) {
        export_id -> Uuid,
        position -> Integer,
        content -> Bytea,
    }
}

diesel::allow_tables_to_appear_in_same_query!(users, member_invitations);
