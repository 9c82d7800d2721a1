//! Ids of this domain.

kernel::ids! {
    /// A mail.
    MailId;
}
