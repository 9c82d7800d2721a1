//! What shows that work was done: a text, such as the name of a photograph, or an object of any members, such as a measurement.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A piece of evidence.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Evidence(pub(super) Value);

/// By hand: a derived schema knows no object without members of its own.
impl PartialSchema for Evidence {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).description(Some("In words; not blank."));
        let object = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Object))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .description(Some("With the members that the parties agreed on."));
        OneOfBuilder::new()
            .item(text)
            .item(object)
            .description(Some("A text, such as the name of a photograph, or an object, such as a measurement."))
            .into()
    }
}

impl ToSchema for Evidence {}
