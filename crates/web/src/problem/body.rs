//! The problem's wire form, for serialisation and for the OpenAPI document.

use kernel::FieldFault;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Every error answer: RFC 9457 with stable `code`, `requestId` and, where they apply, the faults of single fields.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// URI that names this kind of problem.
    #[serde(rename = "type")]
    #[schema(format = "uri", example = "https://14build.dev/problems/invalid")]
    pub kind: String,
    /// The kind of problem in a few words.
    #[schema(example = "Invalid")]
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub status: u16,
    /// What is wrong this time and what would be right.
    #[schema(example = "/name: must have at least 1 character")]
    pub detail: String,
    /// The path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "/api/projects")]
    pub instance: Option<String>,
    /// Stable name of this kind of problem, for programs.
    #[schema(pattern = "^[A-Z][A-Z0-9_]*$", example = "INVALID")]
    pub code: String,
    /// Ties this answer to log lines and audit entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0199d0c4f3a27c5e8a6f0d1b2c3d4e5f")]
    pub request_id: Option<String>,
    /// Every fault of the body or the query, all at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FaultBody>,
    /// For a conflict: the state that is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub current_state: Option<String>,
    /// For a refusal: the permission that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub missing_permission: Option<String>,
    /// Members of single codes, such as `deadline` and `serverTime`.
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
}

/// One fault of one field.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Fault)]
pub struct FaultBody {
    /// JSON pointer (RFC 6901) into the body, or `?name` for a query parameter.
    #[schema(example = "/name")]
    pub pointer: String,
    /// Stable name of the rule that is broken.
    #[schema(pattern = "^[A-Z][A-Z0-9_]*$", example = "TOO_SHORT")]
    pub code: String,
    /// What would be right.
    #[schema(example = "must have at least 1 character")]
    pub detail: String,
}

impl From<&FieldFault> for FaultBody {
    fn from(fault: &FieldFault) -> Self {
        Self { pointer: fault.pointer.clone(), code: fault.code.to_owned(), detail: fault.detail.clone() }
    }
}
