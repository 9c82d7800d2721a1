//! What a mail tells that happened, where one template tells several things.

kernel::named! {
    /// What happened to a person's second factors.
    pub enum FactorChange {
        /// An authenticator was set up, or took the place of another one.
        TotpAdded = "totp_added",
        /// It was removed.
        TotpRemoved = "totp_removed",
        /// Fresh recovery codes took the place of those there were.
        RecoveryCodesRenewed = "recovery_codes_renewed",
        /// Somebody signed in, or proved again who they are, by a recovery code.
        RecoveryCodeUsed = "recovery_code_used",
        /// All second factors were removed by the platform, whose operator made sure of the person.
        Reset = "reset",
    }
}

kernel::named! {
    /// What happened to an API key.
    pub enum KeyChange {
        /// It was made.
        Made = "made",
        /// Another one takes its place.
        Replaced = "replaced",
        /// It has another name, or is used from other networks.
        Changed = "changed",
        /// It was revoked.
        Revoked = "revoked",
        /// It was found in public, and revoked for that.
        Leaked = "leaked",
    }
}

kernel::named! {
    /// What happened to the single sign-on of an organisation.
    pub enum SignOnChange {
        /// Its issuer, its client or how it counts was set.
        Configured = "configured",
        /// People may sign in by it.
        TurnedOn = "turned_on",
        /// They have to.
        Enforced = "enforced",
        /// Nobody does any more.
        TurnedOff = "turned_off",
        /// It was removed.
        Removed = "removed",
    }
}
