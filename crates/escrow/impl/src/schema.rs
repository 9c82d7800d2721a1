//! The tables of this crate, as diesel knows them. Those that only the platform's functions touch are not here.

diesel::table! {
    contracts (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        contractor_org_id -> Uuid,
        project_id -> Uuid,
        tender_id -> Uuid,
        bid_id -> Uuid,
        title -> Text,
        currency -> Text,
        total -> Int8,
        status -> Text,
        fee_bps -> Int4,
        processing_cost_bearer -> Text,
        processing_bps -> Int4,
        processing_fixed -> Int8,
        document -> Text,
        document_sha256 -> Text,
        cancel_reason -> Nullable<Text>,
        activated_at -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    contract_terminations (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        contract_id -> Uuid,
        contractor_org_id -> Uuid,
        party -> Text,
        proposed_by -> Uuid,
        reason -> Text,
        proposed_at -> Timestamptz,
        agreed_by -> Nullable<Uuid>,
        agreed_at -> Nullable<Timestamptz>,
        withdrawn_by -> Nullable<Uuid>,
        withdrawn_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    contract_signatures (org_id, contract_id, party) {
        org_id -> Uuid,
        contract_id -> Uuid,
        contractor_org_id -> Uuid,
        party -> Text,
        user_id -> Uuid,
        sha256 -> Text,
        signed_at -> Timestamptz,
    }
}

diesel::table! {
    milestones (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        contract_id -> Uuid,
        contractor_org_id -> Uuid,
        position -> Int4,
        title -> Text,
        amount -> Int8,
        currency -> Text,
        due_on -> Nullable<Date>,
        status -> Text,
        frozen -> Bool,
        submissions -> Int4,
        submitted_by -> Nullable<Uuid>,
        submitted_at -> Nullable<Timestamptz>,
        review_due_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    milestone_reviews (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        milestone_id -> Uuid,
        contract_id -> Uuid,
        contractor_org_id -> Uuid,
        kind -> Text,
        note -> Nullable<Text>,
        evidence -> Jsonb,
        amount -> Nullable<Int8>,
        by_user -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    escrow_accounts (org_id, contract_id, currency) {
        org_id -> Uuid,
        contract_id -> Uuid,
        contractor_org_id -> Uuid,
        currency -> Text,
        status -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    payments (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        contract_id -> Uuid,
        contractor_org_id -> Uuid,
        milestone_id -> Uuid,
        status -> Text,
        amount -> Int8,
        fee -> Int8,
        charged -> Int8,
        currency -> Text,
        intent -> Nullable<Text>,
        charge -> Nullable<Text>,
        balance_transaction -> Nullable<Text>,
        available_on -> Nullable<Timestamptz>,
        funded_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        next_poll_at -> Timestamptz,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        key_no -> Int4,
        looks -> Int4,
        looked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    releases (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        contract_id -> Uuid,
        contractor_org_id -> Uuid,
        milestone_id -> Uuid,
        payment_id -> Uuid,
        seq -> Int4,
        status -> Text,
        gross -> Int8,
        fee -> Int8,
        net -> Int8,
        currency -> Text,
        requested_by -> Nullable<Uuid>,
        approved_by -> Nullable<Uuid>,
        destination -> Nullable<Text>,
        transfer -> Nullable<Text>,
        attempts -> Int4,
        sending_since -> Nullable<Timestamptz>,
        maybe_sent_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        sent_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        resolved_by -> Nullable<Text>,
        resolved_reason -> Nullable<Text>,
        reversed -> Int8,
        reversal_settled -> Int8,
        returned -> Int8,
        returned_fee -> Int8,
        transfer_look_at -> Nullable<Timestamptz>,
        without_source -> Bool,
    }
}

diesel::table! {
    release_replacements (org_id, release_id, transfer) {
        org_id -> Uuid,
        release_id -> Uuid,
        transfer -> Text,
        amount -> Int8,
        reversed -> Int8,
        made_at -> Timestamptz,
        look_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    payee_accounts (org_id) {
        org_id -> Uuid,
        account -> Nullable<Text>,
        status -> Text,
        requirements -> Jsonb,
        disabled_reason -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        key_no -> Int4,
        looks -> Int4,
        looked_at -> Nullable<Timestamptz>,
        next_look_at -> Timestamptz,
    }
}

diesel::table! {
    payee_accounts_retired (org_id, account) {
        org_id -> Uuid,
        account -> Text,
        reason -> Nullable<Text>,
        retired_by -> Nullable<Uuid>,
        retired_at -> Timestamptz,
    }
}

diesel::table! {
    ledger_accounts (code) {
        code -> Int2,
        name -> Text,
        liability -> Bool,
    }
}

diesel::table! {
    ledger_transactions (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        contract_id -> Uuid,
        contractor_org_id -> Uuid,
        kind -> Text,
        source_provider -> Text,
        source_object -> Text,
        source_kind -> Text,
        currency -> Text,
        reverses -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    ledger_entries (org_id, transaction_id, position) {
        org_id -> Uuid,
        transaction_id -> Uuid,
        position -> Int2,
        contract_id -> Uuid,
        contractor_org_id -> Uuid,
        account -> Int2,
        subject -> Nullable<Uuid>,
        amount -> Int8,
        currency -> Text,
    }
}

diesel::table! {
    ledger_balances (org_id, contract_id, account, subject, currency) {
        org_id -> Uuid,
        contract_id -> Uuid,
        contractor_org_id -> Uuid,
        account -> Int2,
        subject -> Uuid,
        currency -> Text,
        balance -> Int8,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    charge_incidents (org_id, payment_id, kind, object) {
        org_id -> Uuid,
        payment_id -> Uuid,
        kind -> Text,
        object -> Text,
        state -> Text,
        level -> Int8,
        is_over -> Bool,
        first_seen_at -> Timestamptz,
        seen_at -> Timestamptz,
    }
}

diesel::table! {
    charge_watch (only_row) {
        only_row -> Bool,
        looked_until -> Timestamptz,
    }
}

diesel::table! {
    holds (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        contract_id -> Uuid,
        contractor_org_id -> Uuid,
        milestone_id -> Nullable<Uuid>,
        kind -> Text,
        object -> Text,
        reason -> Text,
        placed_at -> Timestamptz,
        placed_by -> Nullable<Text>,
        lifted_at -> Nullable<Timestamptz>,
        lifted_by -> Nullable<Text>,
        lift_reason -> Nullable<Text>,
    }
}

diesel::table! {
    platform_float (id) {
        id -> Uuid,
        source_provider -> Text,
        source_object -> Text,
        amount -> Int8,
        currency -> Text,
        created_at -> Timestamptz,
        operator -> Nullable<Text>,
        reason -> Nullable<Text>,
        provider_status -> Nullable<Text>,
        balance_transaction -> Nullable<Text>,
        takes_back -> Nullable<Uuid>,
        booked_amount -> Nullable<Int8>,
        booked_fee -> Nullable<Int8>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(contracts, payments);
diesel::allow_tables_to_appear_in_same_query!(ledger_entries, ledger_transactions);
