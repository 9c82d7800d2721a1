//! What an entry tells of a thing, before and after: an object of the verb's own members.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The state of a thing, as the verb recorded it.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Recorded(pub(super) Value);

/// By hand: which members there are is each verb's own matter, and a derived schema knows no member that is not a field.
impl PartialSchema for Recorded {
    fn schema() -> RefOr<Schema> {
        let text = |about: &str| ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).description(Some(about));
        ObjectBuilder::new()
            .property("status", text("Where the thing stood, of what has a state."))
            .property("operator", text("The operator by name, where one acted."))
            .property("route", text("Of a refusal: the route that was called."))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .description(Some(
                "The state of a thing as the verb recorded it. Which members there are depends on `action`; those that many verbs record are \
                 named. Never a secret, nor what is sealed.",
            ))
            .into()
    }
}

impl ToSchema for Recorded {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("RecordedState")
    }
}
