//! Ids of this domain's things.

kernel::ids! {
    /// A unit (house, apartment) of a project.
    UnitId;
    /// One version of a schedule of quantities.
    SoqId;
}
