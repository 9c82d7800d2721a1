//! The tables of this crate, as diesel knows them.

diesel::table! {
    organizations (org_id) {
        org_id -> Uuid,
        name -> Text,
        slug -> Text,
        kind -> Text,
        categories -> Array<Text>,
        approval_threshold_minor -> Nullable<Int8>,
        approval_threshold_currency -> Nullable<Text>,
        timezone -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        session_idle_minutes -> Nullable<Int4>,
        session_lifetime_minutes -> Nullable<Int4>,
        suspended_at -> Nullable<Timestamptz>,
        suspended_for -> Nullable<Text>,
        logo_url -> Nullable<Text>,
    }
}

diesel::table! {
    memberships (org_id, user_id) {
        org_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
        created_at -> Timestamptz,
        granted_by -> Nullable<Uuid>,
        granter_role -> Text,
        granted_at -> Timestamptz,
        taken_up_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    approvals (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        action -> Text,
        subject -> Uuid,
        detail -> Text,
        amount_minor -> Int8,
        currency -> Text,
        first_user -> Uuid,
        second_user -> Nullable<Uuid>,
        created_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        voided_at -> Nullable<Timestamptz>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(organizations, memberships);
