//! Why projects, units or schedules of quantities refuse.

kernel::refusals! {
    /// Why this domain refuses.
    #[derive(Debug, thiserror::Error)]
    pub enum Error {
        /// A unit's number is taken in its project.
        #[error("the project has a unit {0:?} already")]
        UnitNumberTaken(String) = Conflict("UNIT_NUMBER_TAKEN"),
        /// A tender of the project was published.
        #[error("a project cannot be deleted once a tender of it was published: archive it instead")]
        AlreadyTendered = Conflict("PROJECT_TENDERED", "tendered"),
        /// The person is in the team already.
        #[error("this person is in the project's team already")]
        AlreadyInTeam = Conflict("ALREADY_IN_TEAM"),
        /// A project needs someone who runs it.
        #[error("a project needs a project owner: make another member of its team project owner first")]
        LastProjectOwner = Conflict("LAST_PROJECT_OWNER"),
        /// The schedule is frozen.
        #[error("a frozen schedule of quantities does not change: make a new version of it")]
        SoqFrozen = Conflict("SOQ_FROZEN", "frozen"),
        /// A newer version of the schedule is there already.
        #[error("version {version} follows this one already: change that, or delete it first")]
        SoqSuperseded {
            /// The newer version's number.
            version: u32,
        } = Conflict("SOQ_SUPERSEDED", "frozen"),
        /// Something of another domain that stays, such as a published tender, stands on the project.
        #[error("something that stays, such as a published tender, belongs to the project: archive it instead")]
        ProjectInUse = Conflict("PROJECT_IN_USE"),
        /// The project has schedules of quantities, whose amounts are in its currency.
        #[error("the currency of a project cannot change once it has a schedule of quantities")]
        CurrencyFixed = Conflict("CURRENCY_FIXED"),
        /// The schedule is used by a tender.
        #[error("the schedule of quantities is used by a tender")]
        SoqInUse = Conflict("SOQ_IN_USE"),
    }
}
