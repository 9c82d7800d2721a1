//! The tables of this domain as diesel sees them.

diesel::table! {
    projects (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        owner_id -> Uuid,
        name -> Text,
        description -> Nullable<Text>,
        address -> Nullable<Text>,
        status -> Text,
        currency -> Text,
        budget_minor -> Nullable<BigInt>,
        starts_on -> Nullable<Date>,
        ends_on -> Nullable<Date>,
        tendered_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    project_members (org_id, project_id, user_id) {
        org_id -> Uuid,
        project_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        granted_by -> Nullable<Uuid>,
        granter_role -> Text,
        granted_at -> Timestamptz,
    }
}

diesel::table! {
    units (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        project_id -> Uuid,
        unit_number -> Text,
        total_floor_area -> Numeric,
        number_of_floors -> Integer,
        number_of_rooms -> Integer,
        number_of_bathrooms -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    unit_floors (org_id, unit_id, floor_number) {
        org_id -> Uuid,
        unit_id -> Uuid,
        floor_number -> Integer,
        floor_area -> Numeric,
    }
}

diesel::table! {
    soqs (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        project_id -> Uuid,
        title -> Text,
        status -> Text,
        version -> Integer,
        previous_id -> Nullable<Uuid>,
        currency -> Text,
        line_count -> Integer,
        estimate_total_minor -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        frozen_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    soq_lines (org_id, soq_id, id) {
        org_id -> Uuid,
        soq_id -> Uuid,
        id -> Uuid,
        project_id -> Uuid,
        position -> Integer,
        code -> Text,
        description -> Text,
        kind -> Text,
        unit_code -> Nullable<Text>,
        unit_text -> Nullable<Text>,
        quantity -> Nullable<Numeric>,
        estimate_rate -> Nullable<Numeric>,
        unit_id -> Nullable<Uuid>,
    }
}
