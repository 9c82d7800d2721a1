//! Lists on the wire: `limit` and `cursor` in, `{data, nextCursor}` out.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use kernel::{FieldFault, Page, PageRequest, Position};
use serde::{Deserialize, Serialize};
use utoipa::__dev::ComposeSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::Problem;

/// How many rows a page has unless told otherwise.
const DEFAULT_LIMIT: u16 = 20;
/// The most rows a page can have.
const MOST_LIMIT: u16 = 100;

/// The query of a list without filters: `Query(paging): Query<Paging>`, then `paging.page()?`.
///
/// A list with filters has its own struct with these two fields and calls [`page`].
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// The most items to return: 1 to 100, 20 unless told otherwise.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}

impl Paging {
    /// What part of the list is asked for.
    ///
    /// # Errors
    /// As [`page`].
    pub fn page(&self) -> Result<PageRequest, Problem> {
        page(self.limit, self.cursor.as_deref())
    }
}

/// What part of a list is asked for.
///
/// # Errors
/// 422 for a limit outside of 1..=100 and for a cursor that is not one of ours.
pub fn page(limit: Option<u16>, cursor: Option<&str>) -> Result<PageRequest, Problem> {
    let mut faults = Vec::new();
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MOST_LIMIT).contains(&limit) {
        faults.push(FieldFault::new("?limit", "OUT_OF_RANGE", format!("must be 1 to {MOST_LIMIT}")));
    }
    let after = cursor.map(decode);
    if let Some(None) = after {
        faults.push(FieldFault::new("?cursor", "INVALID_FORMAT", "must be the `nextCursor` of the page before, unchanged"));
    }
    if faults.is_empty() { Ok(PageRequest { limit, after: after.flatten() }) } else { Err(Problem::invalid(faults)) }
}

/// A position as an opaque text: base64url of microseconds and id.
#[must_use]
pub fn encode(position: Position) -> String {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&position.created_at.timestamp_micros().to_be_bytes());
    bytes[8..].copy_from_slice(position.id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(cursor: &str) -> Option<Position> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let micros = i64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
    let id = Uuid::from_slice(bytes.get(8..)?).ok()?;
    // PostgreSQL's timestamps end before chrono's: what it cannot hold was never a cursor of ours.
    let sane = (0..=253_402_300_799_999_999).contains(&micros);
    Some(Position { created_at: sane.then(|| DateTime::from_timestamp_micros(micros))??, id })
}

/// One page of a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    /// The items, newest first.
    pub data: Vec<T>,
    /// Give this as `?cursor=` to get the next page; null on the last.
    pub next_cursor: Option<String>,
}

type Schemas = Vec<(String, RefOr<Schema>)>;

/// By hand, since the derived one repeats the item's schema in every list instead of referring to it.
impl<T: ToSchema> ComposeSchema for List<T> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        let items = if is_component::<T>() { Ref::from_schema_name(T::name()).into() } else { T::schema() };
        let data = ArrayBuilder::new().items(items).description(Some("The items, newest first."));
        let cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Give this as `?cursor=` to get the next page; null on the last."));
        ObjectBuilder::new()
            .property("data", data)
            .property("nextCursor", cursor)
            .required("data")
            .required("nextCursor")
            .description(Some("One page of a list."))
            .into()
    }
}

impl<T: ToSchema> ToSchema for List<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("List")
    }

    fn schemas(schemas: &mut Schemas) {
        if is_component::<T>() {
            schemas.push((T::name().into_owned(), T::schema()));
        }
        T::schemas(schemas);
    }
}

/// Whether `T` stands in the document under its own name: not plain strings and numbers, nor generics, whose full name only utoipa knows.
fn is_component<T: ToSchema>() -> bool {
    let generic = std::any::type_name::<T>().contains('<');
    !generic && matches!(T::schema(), RefOr::T(Schema::Object(object)) if !object.properties.is_empty())
}

impl<T> List<T> {
    /// The wire form of a page.
    pub fn of<I>(page: Page<I>, dto: impl FnMut(I) -> T) -> Self {
        Self { next_cursor: page.next.map(encode), data: page.items.into_iter().map(dto).collect() }
    }
}
