//! The tables of this crate, as diesel knows them.

diesel::table! {
    directory_users (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        user_name -> Text,
        user_name_key -> Text,
        external_id -> Nullable<Text>,
        display_name -> Nullable<Text>,
        formatted_name -> Nullable<Text>,
        family_name -> Nullable<Text>,
        given_name -> Nullable<Text>,
        preferred_language -> Nullable<Text>,
        emails -> Jsonb,
        email_key -> Nullable<Text>,
        active -> Bool,
        person -> Nullable<Uuid>,
        ended_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    directory_groups (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        display_name -> Text,
        display_key -> Text,
        external_id -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    directory_group_members (org_id, group_id, member) {
        org_id -> Uuid,
        group_id -> Uuid,
        member -> Text,
    }
}
