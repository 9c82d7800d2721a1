//! The schedule of quantities as the domains above read it.

use async_trait::async_trait;
use kernel::{Ctx, Currency, Money, Page, PageRequest, ProjectId, SoqLineId, Timestamp};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{Error, Precondition, SoqId, UnitId};

kernel::named! {
    /// What a line is: `heading` and `text` have no price; `measured` is a quantity at a rate; `lump_sum` one whole; the sum of a provisional
    /// line is set by the owner; `optional` is priced, but not part of the total.
    pub enum LineKind {
        /// The title of a section: no quantity, no rate.
        Heading = "heading",
        /// A remark: no quantity, no rate.
        Text = "text",
        /// A quantity at a rate.
        Measured = "measured",
        /// One whole at a price; its quantity is 1.
        LumpSum = "lump_sum",
        /// A defined provisional sum: the owner sets the amount, every bid carries it unchanged.
        ProvisionalDefined = "provisional_defined",
        /// An undefined provisional sum: as above.
        ProvisionalUndefined = "provisional_undefined",
        /// Priced, but not part of the total until the owner takes it up.
        Optional = "optional",
    }
    /// Whether a version can still change.
    pub enum SoqStatus {
        /// Being written.
        Draft = "draft",
        /// Never changes again.
        Frozen = "frozen",
    }
}

impl LineKind {
    /// Whether a bid must carry a rate for it.
    #[must_use]
    pub const fn is_payable(self) -> bool {
        !matches!(self, Self::Heading | Self::Text)
    }

    /// Whether its amount counts in the total.
    #[must_use]
    pub const fn counts_in_total(self) -> bool {
        self.is_payable() && !matches!(self, Self::Optional)
    }

    /// Whether the owner sets its rate and a bid must repeat it unchanged.
    #[must_use]
    pub const fn is_provisional(self) -> bool {
        matches!(self, Self::ProvisionalDefined | Self::ProvisionalUndefined)
    }
}

/// A line of a schedule of quantities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SoqLine {
    /// Its identity through all versions.
    pub id: SoqLineId,
    /// Its place, from 1.
    pub position: u32,
    /// Its number as written, such as `02.1.10`; never parsed as a number.
    pub code: String,
    /// What is to be done.
    pub description: String,
    /// What kind of line it is.
    pub kind: LineKind,
    /// UNECE Recommendation 20 code, such as `MTQ`; none if the unit as written is not known yet.
    pub unit_code: Option<String>,
    /// The unit as written.
    pub unit_text: Option<String>,
    /// Quantity, up to 4 decimals; set on every payable line.
    pub quantity: Option<Decimal>,
    /// The owner's estimated rate, or the sum of a provisional line. Never shown to bidders, save for provisional sums.
    pub estimate_rate: Option<Decimal>,
    /// round_half_up(quantity × estimate rate).
    pub estimate_amount: Option<Money>,
    /// The unit (house, apartment) it belongs to.
    pub unit: Option<UnitId>,
}

/// One version of a schedule of quantities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Soq {
    /// Its id.
    pub id: SoqId,
    /// Its project.
    pub project: ProjectId,
    /// Its title.
    pub title: String,
    /// Whether it can still change.
    pub status: SoqStatus,
    /// Version, from 1.
    pub version: u32,
    /// The version it was made from.
    pub previous: Option<SoqId>,
    /// The project's currency.
    pub currency: Currency,
    /// Lines in order.
    pub lines: Vec<SoqLine>,
    /// Σ of the amounts that count.
    pub estimate_total: Money,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was frozen.
    pub frozen_at: Option<Timestamp>,
}

/// One version of a schedule of quantities without its lines: for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SoqSummary {
    /// Its id.
    pub id: SoqId,
    /// Its project.
    pub project: ProjectId,
    /// Its title.
    pub title: String,
    /// Whether it can still change.
    pub status: SoqStatus,
    /// Version, from 1.
    pub version: u32,
    /// The version it was made from.
    pub previous: Option<SoqId>,
    /// How many lines it has, headings and texts among them.
    pub line_count: u32,
    /// Σ of the amounts that count.
    pub estimate_total: Money,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was frozen.
    pub frozen_at: Option<Timestamp>,
}

/// A line as its author writes it, before any rule has looked at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineDraft {
    /// Its identity, if it is a line that the schedule (or the version before) has already.
    pub id: Option<SoqLineId>,
    /// Its number as written.
    pub code: String,
    /// What is to be done.
    pub description: String,
    /// What kind of line it is.
    pub kind: LineKind,
    /// The unit: a UNECE code or a usual spelling of one, or anything else, which is kept as text.
    pub unit: Option<String>,
    /// The unit as written, if that differs from `unit`.
    pub unit_text: Option<String>,
    /// Quantity; of lump sums and provisional sums it is 1 and may be left out.
    pub quantity: Option<Decimal>,
    /// The owner's estimated rate, or the sum of a provisional line.
    pub estimate_rate: Option<Decimal>,
    /// The unit (house, apartment) it belongs to.
    pub unit_id: Option<UnitId>,
}

/// A schedule of quantities to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSoq {
    /// Its project.
    pub project: ProjectId,
    /// Its title.
    pub title: String,
    /// Lines in order.
    pub lines: Vec<LineDraft>,
}

/// A draft's new title and lines: all of them, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoqChange {
    /// Its project, if it is named: must be the one it has.
    pub project: Option<ProjectId>,
    /// Its title.
    pub title: String,
    /// Lines in order; those with an id keep their identity.
    pub lines: Vec<LineDraft>,
}

/// Narrows a list of schedules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SoqFilter {
    /// Of this project.
    pub project: Option<ProjectId>,
    /// In this status.
    pub status: Option<SoqStatus>,
}

/// The verbs on schedules of quantities.
#[async_trait]
pub trait Soqs: Send + Sync {
    /// Makes version 1 of a schedule.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the project, [`Error::Invalid`].
    async fn create(&self, ctx: &Ctx, new: NewSoq) -> Result<Soq, Error>;

    /// Makes the next version of a frozen schedule: a draft with the same lines, each with its identity.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::State`] of a draft; [`Error::SoqSuperseded`] if a newer version is there.
    async fn new_version(&self, ctx: &Ctx, previous: SoqId) -> Result<Soq, Error>;

    /// Schedules of the projects whose schedules the caller may read, newest first.
    ///
    /// # Errors
    /// A fault.
    async fn list(&self, ctx: &Ctx, filter: SoqFilter, page: PageRequest) -> Result<Page<SoqSummary>, Error>;

    /// One version with its lines.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn get(&self, ctx: &Ctx, id: SoqId) -> Result<Soq, Error>;

    /// Replaces a draft's title and lines.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::SoqFrozen`], [`Error::Stale`], [`Error::Invalid`].
    async fn update(
        &self,
        ctx: &Ctx,
        id: SoqId,
        change: SoqChange,
        unchanged: Option<Precondition<'_, Soq>>,
    ) -> Result<Soq, Error>;

    /// Deletes a draft.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::SoqFrozen`], [`Error::SoqInUse`], [`Error::Stale`].
    async fn delete(&self, ctx: &Ctx, id: SoqId, unchanged: Option<Precondition<'_, Soq>>) -> Result<(), Error>;

    /// Freezes a draft with at least one payable line: from then on it never changes.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::SoqFrozen`] if it is already; [`Error::State`] if nothing in it can be priced.
    async fn freeze(&self, ctx: &Ctx, id: SoqId) -> Result<Soq, Error>;
}
