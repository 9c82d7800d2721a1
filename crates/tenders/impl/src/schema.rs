//! The tables of this crate, as diesel knows them. Those that only the platform's functions touch are not here.

diesel::table! {
    tenders (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        project_id -> Uuid,
        soq_id -> Uuid,
        soq_version -> Nullable<Int4>,
        title -> Text,
        description -> Nullable<Text>,
        procurement_method -> Text,
        status -> Text,
        currency -> Text,
        submission_deadline -> Timestamptz,
        time_zone -> Nullable<Text>,
        questions_until -> Nullable<Timestamptz>,
        min_bids -> Int4,
        related_tender_id -> Nullable<Uuid>,
        published_at -> Nullable<Timestamptz>,
        closed_at -> Nullable<Timestamptz>,
        opened_at -> Nullable<Timestamptz>,
        seal_root -> Nullable<Bytea>,
        standstill_until -> Nullable<Timestamptz>,
        cancelled_at -> Nullable<Timestamptz>,
        cancel_reason -> Nullable<Text>,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    tender_invitations (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        tender_id -> Uuid,
        invited_org_id -> Nullable<Uuid>,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        invited_by -> Nullable<Uuid>,
        sent_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    tender_milestones (org_id, tender_id, position) {
        org_id -> Uuid,
        tender_id -> Uuid,
        position -> Int4,
        title -> Text,
        percent -> Nullable<Numeric>,
        amount -> Nullable<Int8>,
        weight -> Nullable<Numeric>,
        remainder -> Bool,
        due_on -> Nullable<Date>,
    }
}

diesel::table! {
    tender_lines (org_id, tender_id, soq_line_id) {
        org_id -> Uuid,
        tender_id -> Uuid,
        soq_line_id -> Uuid,
        position -> Int4,
        code -> Text,
        description -> Text,
        kind -> Text,
        unit_code -> Nullable<Text>,
        unit_text -> Nullable<Text>,
        quantity -> Nullable<Numeric>,
        fixed_rate -> Nullable<Numeric>,
        unit_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    tender_keys (org_id, tender_id) {
        org_id -> Uuid,
        tender_id -> Uuid,
        key_id -> Text,
        wrapped -> Nullable<Bytea>,
        created_at -> Timestamptz,
        destroyed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    tender_seals (org_id, tender_id) {
        org_id -> Uuid,
        tender_id -> Uuid,
        leaves -> Array<Bytea>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    bids (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        tender_id -> Uuid,
        bidder_org_id -> Uuid,
        status -> Text,
        revision -> Int4,
        receipt_sha256 -> Nullable<Bytea>,
        received_at -> Nullable<Timestamptz>,
        withdrawal_document -> Nullable<Text>,
        opened_at -> Nullable<Timestamptz>,
        total -> Nullable<Int8>,
        currency -> Text,
        valid_until -> Nullable<Date>,
        note -> Nullable<Text>,
        rank -> Nullable<Int4>,
        disqualified_code -> Nullable<Text>,
        disqualified_reason -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    bid_revisions (org_id, bid_id, revision) {
        org_id -> Uuid,
        bid_id -> Uuid,
        revision -> Int4,
        tender_id -> Uuid,
        bidder_org_id -> Uuid,
        sealed -> Bytea,
        receipt_sha256 -> Nullable<Bytea>,
        received_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    bid_lines (org_id, bid_id, soq_line_id) {
        org_id -> Uuid,
        bid_id -> Uuid,
        soq_line_id -> Uuid,
        bidder_org_id -> Uuid,
        position -> Int4,
        rate -> Numeric,
        amount -> Int8,
    }
}

diesel::table! {
    opening_records (org_id, tender_id) {
        org_id -> Uuid,
        tender_id -> Uuid,
        root -> Bytea,
        receipts -> Array<Bytea>,
        decoy_seed -> Bytea,
        submitted -> Int4,
        opened_by -> Array<Uuid>,
        opened_at -> Timestamptz,
        // Which bidders read the record: for the policy, nobody may select it.
        readers -> Array<Uuid>,
    }
}

diesel::table! {
    awards (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        tender_id -> Uuid,
        bid_id -> Uuid,
        bidder_org_id -> Uuid,
        status -> Text,
        amount -> Int8,
        currency -> Text,
        reason -> Nullable<Text>,
        contract_id -> Nullable<Uuid>,
        standstill_until -> Timestamptz,
        sign_by -> Nullable<Timestamptz>,
        awarded_by -> Array<Uuid>,
        cancel_reason -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(tenders, tender_invitations, bids, awards);
