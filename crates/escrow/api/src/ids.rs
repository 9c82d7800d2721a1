//! Ids of this domain's things.

kernel::ids! {
    /// A contract.
    ContractId;
    /// A milestone of a contract.
    MilestoneId;
    /// The protected payment of a milestone; the `escrow` of the HTTP API.
    PaymentId;
    /// One release of held money to a contractor.
    ReleaseId;
}
