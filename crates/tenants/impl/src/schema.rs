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
        mfa_policy -> Nullable<Text>,
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

diesel::table! {
    custom_roles (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        slug -> Text,
        name -> Text,
        description -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    custom_role_permissions (org_id, role_id, permission) {
        org_id -> Uuid,
        role_id -> Uuid,
        permission -> Text,
        granted_by -> Nullable<Uuid>,
        granter_role -> Text,
        granted_at -> Timestamptz,
    }
}

diesel::table! {
    member_custom_roles (org_id, user_id, role_id) {
        org_id -> Uuid,
        user_id -> Uuid,
        role_id -> Uuid,
        granted_by -> Nullable<Uuid>,
        granter_role -> Text,
        granted_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(organizations, memberships);
diesel::allow_tables_to_appear_in_same_query!(custom_role_permissions, member_custom_roles);
diesel::allow_tables_to_appear_in_same_query!(custom_roles, member_custom_roles);
diesel::allow_tables_to_appear_in_same_query!(member_custom_roles, memberships);
