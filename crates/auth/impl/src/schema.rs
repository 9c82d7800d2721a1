//! The tables of this crate, as diesel knows them.

diesel::table! {
    mailed_proofs (id) {
        id -> Uuid,
        purpose -> Text,
        email -> Text,
        email_key -> Text,
        user_id -> Nullable<Uuid>,
        session_id -> Nullable<Uuid>,
        network_hash -> Bytea,
        token_hash -> Bytea,
        request_hash -> Bytea,
        code_hash -> Bytea,
        tries -> SmallInt,
        made_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    mail_counts (key) {
        key -> Bytea,
        asked -> Integer,
        since -> Timestamptz,
    }
}

diesel::table! {
    api_keys (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        name -> Text,
        shown -> Text,
        hash -> Bytea,
        scopes -> Array<Text>,
        networks -> Array<Text>,
        created_by -> Uuid,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        expires_at -> Timestamptz,
        replaced_by -> Nullable<Uuid>,
        overlap_ends_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        revoked_for -> Nullable<Text>,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    api_key_settings (org_id) {
        org_id -> Uuid,
        of_leavers -> Text,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    session_ends (org_id, user_id) {
        org_id -> Uuid,
        user_id -> Uuid,
        ended_at -> Timestamptz,
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
    identities (id) {
        id -> Uuid,
        user_id -> Uuid,
        issuer -> Text,
        subject -> Text,
        provider -> Text,
        email -> Nullable<Text>,
        linked_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
        unlinked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    known_devices (token_hash) {
        token_hash -> Bytea,
        user_id -> Uuid,
        network_hash -> Nullable<Bytea>,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        returned -> Bool,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    passkey_challenges (request_hash) {
        request_hash -> Bytea,
        purpose -> Text,
        user_id -> Nullable<Uuid>,
        asked_by -> Nullable<Uuid>,
        state -> Bytea,
        made_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    organization_events (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        at -> Timestamptz,
        kind -> Text,
        user_id -> Nullable<Uuid>,
        api_key_id -> Nullable<Uuid>,
        permission -> Nullable<Text>,
        address -> Nullable<Text>,
        request_id -> Text,
    }
}

diesel::table! {
    pending_sign_ins (id) {
        id -> Uuid,
        token_hash -> Bytea,
        user_id -> Uuid,
        method -> Text,
        action -> Text,
        made_at -> Timestamptz,
        expires_at -> Timestamptz,
        tries -> SmallInt,
        ended_at -> Nullable<Timestamptz>,
        connection_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    passkeys (id) {
        id -> Uuid,
        user_id -> Uuid,
        place -> SmallInt,
        credential_id -> Bytea,
        credential -> Text,
        name -> Text,
        counter -> BigInt,
        backup_eligible -> Bool,
        backed_up -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    recovery_codes (user_id, code_hash) {
        user_id -> Uuid,
        code_hash -> Bytea,
        made_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    totp_factors (user_id) {
        user_id -> Uuid,
        secret -> Nullable<Bytea>,
        confirmed_at -> Nullable<Timestamptz>,
        last_step -> BigInt,
        next_secret -> Nullable<Bytea>,
        next_made_at -> Nullable<Timestamptz>,
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
        device -> Nullable<Text>,
        address -> Nullable<Text>,
        last_seen_at -> Nullable<Timestamptz>,
        authenticated_at -> Nullable<Timestamptz>,
        sign_in_id -> Nullable<Uuid>,
        method -> Text,
        connection_id -> Nullable<Uuid>,
        issuer_factor -> Bool,
    }
}

diesel::table! {
    sign_on_connections (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        issuer -> Text,
        client_id -> Text,
        secret -> Bytea,
        mode -> Text,
        joins -> Bool,
        trusts_factor -> Bool,
        break_glass -> Array<Uuid>,
        tested_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    sign_on_identities (org_id, connection_id, subject) {
        org_id -> Uuid,
        connection_id -> Uuid,
        subject -> Text,
        user_id -> Uuid,
        known_at -> Timestamptz,
        last_used_at -> Timestamptz,
    }
}

diesel::table! {
    sign_on_leavers (org_id, user_id) {
        org_id -> Uuid,
        user_id -> Uuid,
        connection_id -> Uuid,
        since -> Timestamptz,
    }
}

diesel::table! {
    sign_ons_begun (state_hash) {
        state_hash -> Bytea,
        browser_hash -> Bytea,
        organization -> Uuid,
        connection_id -> Uuid,
        user_id -> Nullable<Uuid>,
        session_id -> Nullable<Uuid>,
        return_to -> Text,
        made_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sign_ins_elsewhere (state_hash) {
        state_hash -> Bytea,
        browser_hash -> Bytea,
        provider -> Text,
        user_id -> Nullable<Uuid>,
        session_id -> Nullable<Uuid>,
        return_to -> Text,
        made_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    support_consents (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        reason -> Text,
        granted_by -> Uuid,
        granted_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        ended_for -> Nullable<Text>,
    }
}

diesel::table! {
    support_requests (org_id, session_id, route, refused) {
        org_id -> Uuid,
        session_id -> Uuid,
        route -> Text,
        refused -> Bool,
        times -> BigInt,
        first_at -> Timestamptz,
        last_at -> Timestamptz,
    }
}

diesel::table! {
    support_sessions (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        consent_id -> Uuid,
        operator -> Text,
        reason -> Text,
        token_hash -> Bytea,
        started_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        ended_for -> Nullable<Text>,
    }
}

diesel::table! {
    token_keys (kid) {
        kid -> Uuid,
        public_key -> Bytea,
        published_at -> Timestamptz,
        signs_from -> Timestamptz,
        verifies_until -> Nullable<Timestamptz>,
        is_first -> Bool,
        published_by -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(api_keys, api_key_settings);
diesel::allow_tables_to_appear_in_same_query!(support_consents, support_sessions);
