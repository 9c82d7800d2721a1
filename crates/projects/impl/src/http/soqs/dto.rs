//! What `/api/soq` takes and answers.

use chrono::{DateTime, Utc};
use kernel::{ProjectId, SoqLineId};
use projects_api::{LineDraft, LineKind, NewSoq, Soq, SoqChange, SoqLine, SoqStatus, SoqSummary, UnitId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Decimal4, Decimal4Out, MoneyOut, OneOf};

/// On the wire.
pub(crate) type Status = OneOf<SoqStatus>;
type Kind = OneOf<LineKind>;

/// A line as its author writes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewSoqLine)]
pub(crate) struct LineIn {
    /// Its identity, if it is a line that the schedule or the version before has.
    id: Option<Uuid>,
    /// Its number as written, such as `02.1.10`; need not be unique and may be empty.
    #[schema(max_length = 64)]
    code: String,
    /// What is to be done.
    #[schema(min_length = 1, max_length = 4000)]
    description: String,
    /// How it counts; a heading or a text has neither quantity nor rate.
    kind: Kind,
    /// A code of UNECE Recommendation 20 or 21 (packages, with X in front), which is what it says; or a usual spelling of one, unless it is
    /// another code in small letters, such as `rm`. Alone it may also be any other text, which is then `unitText`.
    #[schema(max_length = 40)]
    unit_code: Option<String>,
    /// The unit as written, if that is not what `unitCode` says: kept beside it. Any text; alone, a usual spelling finds its code.
    #[schema(max_length = 40)]
    unit_text: Option<String>,
    /// Greater than 0. Needed by `measured` and `optional`; 1 for sums.
    quantity: Option<Decimal4>,
    /// The owner's estimated rate, never shown to bidders; of provisional lines the sum, which every bid carries unchanged.
    estimate_rate: Option<Decimal4>,
    /// A unit (house, apartment) of the project.
    unit_id: Option<Uuid>,
}

impl From<LineIn> for LineDraft {
    fn from(line: LineIn) -> Self {
        Self {
            id: line.id.map(SoqLineId),
            code: line.code,
            description: line.description,
            kind: line.kind.0,
            unit: line.unit_code,
            unit_text: line.unit_text,
            quantity: line.quantity.map(|quantity| quantity.0),
            estimate_rate: line.estimate_rate.map(|rate| rate.0),
            unit_id: line.unit_id.map(UnitId),
        }
    }
}

/// A schedule of quantities to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewSoq, example = json!({
    "projectId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11", "title": "Shell works",
    "lines": [
        {"code": "01", "description": "Concrete works", "kind": "heading"},
        {"code": "01.10", "description": "Concrete C25/30 in foundations", "kind": "measured", "unitCode": "m3", "quantity": "120.5",
         "estimateRate": "162.50"},
        {"code": "01.20", "description": "Site installation", "kind": "lump_sum", "estimateRate": "4800.00"}
    ]
}))]
pub(crate) struct SoqIn {
    /// The project that it belongs to; it never changes.
    project_id: Uuid,
    /// What it is called.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// In order.
    #[schema(max_items = 20000)]
    lines: Vec<LineIn>,
}

impl From<SoqIn> for NewSoq {
    fn from(soq: SoqIn) -> Self {
        Self { project: ProjectId(soq.project_id), title: soq.title, lines: soq.lines.into_iter().map(Into::into).collect() }
    }
}

/// A draft's new title and lines.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SoqChange, example = json!({
    "title": "Shell works",
    "lines": [
        {"code": "01", "description": "Concrete works", "kind": "heading"},
        {"code": "01.10", "description": "Concrete C30/37 in foundations", "kind": "measured", "unitCode": "MTQ", "quantity": "118",
         "estimateRate": "171.00"},
        {"code": "01.20", "description": "Site installation", "kind": "lump_sum", "estimateRate": "4800.00"}
    ]
}))]
pub(crate) struct SoqChangeIn {
    /// May be left out: a schedule stays in its project.
    project_id: Option<Uuid>,
    /// What it is called.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// All of them, in order: what is left out is gone.
    #[schema(max_items = 20000)]
    lines: Vec<LineIn>,
}

impl From<SoqChangeIn> for SoqChange {
    fn from(soq: SoqChangeIn) -> Self {
        let lines = soq.lines.into_iter().map(Into::into).collect();
        Self { project: soq.project_id.map(ProjectId), title: soq.title, lines }
    }
}

/// A line of a schedule of quantities.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SoqLine)]
pub(crate) struct LineOut<'a> {
    /// Its identity through all versions.
    id: Uuid,
    /// Its place, from 1.
    #[schema(minimum = 1, maximum = 20000)]
    position: u32,
    /// Its number as written; may be empty.
    code: &'a str,
    /// What is to be done.
    description: &'a str,
    /// How it counts.
    kind: Kind,
    /// Code of UNECE Recommendation 20 or 21; null if the unit has none.
    unit_code: Option<&'a str>,
    /// The unit as written; null without one.
    unit_text: Option<&'a str>,
    /// In units of measure; null where nothing is counted, as in a heading.
    quantity: Option<Decimal4Out>,
    /// The owner's estimate per unit of measure, of provisional lines the sum; null without one.
    estimate_rate: Option<Decimal4Out>,
    /// round_half_up(quantity × estimateRate); null without a rate.
    estimate_amount: Option<MoneyOut>,
    /// The unit (house, apartment) that it is for; null if for none.
    unit_id: Option<Uuid>,
}

impl<'a> From<&'a SoqLine> for LineOut<'a> {
    fn from(line: &'a SoqLine) -> Self {
        Self {
            id: line.id.0,
            position: line.position,
            code: &line.code,
            description: &line.description,
            kind: line.kind.into(),
            unit_code: line.unit_code.as_deref(),
            unit_text: line.unit_text.as_deref(),
            quantity: line.quantity.map(Decimal4Out),
            estimate_rate: line.estimate_rate.map(Decimal4Out),
            estimate_amount: line.estimate_amount.map(MoneyOut),
            unit_id: line.unit.map(|unit| unit.0),
        }
    }
}

/// One version of a schedule of quantities.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Soq, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b20", "projectId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11", "title": "Shell works",
    "status": "frozen", "version": 1, "previousId": null,
    "lines": [
        {"id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b21", "position": 1, "code": "01", "description": "Concrete works", "kind": "heading",
         "unitCode": null, "unitText": null, "quantity": null, "estimateRate": null, "estimateAmount": null, "unitId": null},
        {"id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b22", "position": 2, "code": "01.10", "description": "Concrete C30/37 in foundations",
         "kind": "measured", "unitCode": "MTQ", "unitText": "m3", "quantity": "118", "estimateRate": "171",
         "estimateAmount": {"amount": "20178.00", "currency": "EUR"}, "unitId": null},
        {"id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b23", "position": 3, "code": "01.20", "description": "Site installation",
         "kind": "lump_sum", "unitCode": "LS", "unitText": null, "quantity": "1", "estimateRate": "4800",
         "estimateAmount": {"amount": "4800.00", "currency": "EUR"}, "unitId": null}
    ],
    "estimateTotal": {"amount": "24978.00", "currency": "EUR"}, "createdAt": "2026-11-21T09:00:00Z",
    "updatedAt": "2026-11-21T09:20:00Z", "frozenAt": "2026-11-21T09:20:00Z"
}))]
pub(crate) struct SoqOut<'a> {
    /// This version's id.
    id: Uuid,
    /// Its project.
    project_id: Uuid,
    /// What it is called.
    title: &'a str,
    /// Whether it can still change.
    status: Status,
    /// From 1.
    #[schema(minimum = 1)]
    version: u32,
    /// The version it was made from; null for the first.
    previous_id: Option<Uuid>,
    /// In order.
    lines: Vec<LineOut<'a>>,
    /// The sum of the rounded amounts that count.
    estimate_total: MoneyOut,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
    /// When it was frozen; null while it is a draft.
    frozen_at: Option<DateTime<Utc>>,
}

impl<'a> From<&'a Soq> for SoqOut<'a> {
    fn from(soq: &'a Soq) -> Self {
        Self {
            id: soq.id.0,
            project_id: soq.project.0,
            title: &soq.title,
            status: soq.status.into(),
            version: soq.version,
            previous_id: soq.previous.map(|previous| previous.0),
            lines: soq.lines.iter().map(Into::into).collect(),
            estimate_total: MoneyOut(soq.estimate_total),
            created_at: soq.created_at,
            updated_at: soq.updated_at,
            frozen_at: soq.frozen_at,
        }
    }
}

/// One version of a schedule of quantities, without its lines.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SoqSummary, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b20", "projectId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11", "title": "Shell works",
    "status": "frozen", "version": 1, "previousId": null, "lineCount": 3,
    "estimateTotal": {"amount": "24978.00", "currency": "EUR"}, "createdAt": "2026-11-21T09:00:00Z",
    "updatedAt": "2026-11-21T09:20:00Z", "frozenAt": "2026-11-21T09:20:00Z"
}))]
pub(crate) struct SoqSummaryOut {
    /// This version's id.
    id: Uuid,
    /// Its project.
    project_id: Uuid,
    /// What it is called.
    title: String,
    /// Whether it can still change.
    status: Status,
    /// From 1.
    #[schema(minimum = 1)]
    version: u32,
    /// The version it was made from; null for the first.
    previous_id: Option<Uuid>,
    /// How many lines it has, headings and texts among them.
    line_count: u32,
    /// The sum of the rounded amounts that count.
    estimate_total: MoneyOut,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
    /// When it was frozen; null while it is a draft.
    frozen_at: Option<DateTime<Utc>>,
}

impl From<SoqSummary> for SoqSummaryOut {
    fn from(soq: SoqSummary) -> Self {
        Self {
            id: soq.id.0,
            project_id: soq.project.0,
            title: soq.title,
            status: soq.status.into(),
            version: soq.version,
            previous_id: soq.previous.map(|previous| previous.0),
            line_count: soq.line_count,
            estimate_total: MoneyOut(soq.estimate_total),
            created_at: soq.created_at,
            updated_at: soq.updated_at,
            frozen_at: soq.frozen_at,
        }
    }
}
