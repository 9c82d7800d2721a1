//! Lists on the wire: `limit` and `cursor` in, `{data, nextCursor}` out. [`crate::Listing`] reads and answers them.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use kernel::Position;
use serde::{Deserialize, Serialize};
use utoipa::__dev::ComposeSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How many rows a page has unless told otherwise.
pub(crate) const DEFAULT_LIMIT: u16 = 20;

/// What every list takes: documents the parameters that [`crate::Listing`] reads.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// The most items to return: 1 to 100, 20 unless told otherwise.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before, of the same list with the same filter.
    pub cursor: Option<String>,
}

/// Which list a cursor is of: the beginning of a digest.
pub(crate) type ListId = [u8; 8];

/// A position in a list as an opaque text: base64url of the list, microseconds and the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub list: ListId,
    pub after: Position,
}

impl Cursor {
    pub fn encode(self) -> String {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.list);
        bytes[8..16].copy_from_slice(&self.after.created_at.timestamp_micros().to_be_bytes());
        bytes[16..].copy_from_slice(self.after.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub fn decode(cursor: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (list, position) = bytes.split_first_chunk::<8>()?;
        let (micros, id) = position.split_first_chunk::<8>()?;
        let micros = i64::from_be_bytes(*micros);
        // PostgreSQL's timestamps end before chrono's: what it cannot hold was never a cursor of ours.
        let sane = (0..=253_402_300_799_999_999).contains(&micros);
        let created_at = sane.then(|| DateTime::from_timestamp_micros(micros))??;
        Some(Self { list: *list, after: Position { created_at, id: Uuid::from_slice(id).ok()? } })
    }
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
