//! `ScimBody`: a body as directories send it (RFC 7644): an object of which we take what we know.

use std::borrow::Cow;

use actix_web::{FromRequest, HttpRequest, dev};
use futures::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::body::{check_media_type, read};
use crate::problem::scim::SCIM_JSON;
use crate::{Problem, json};

/// Attributes by their names, in whatever spelling: SCIM tells no capitals apart, and what a server does not know it leaves aside.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScimObject(pub Map<String, Value>);

/// By hand: a derived schema knows no member that is not a field.
impl PartialSchema for ScimObject {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Object))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .description(Some("Attributes of a user or a group by their names: `GET /scim/v2/Schemas` says which there are."))
            .into()
    }
}

impl ToSchema for ScimObject {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ScimAttributes")
    }
}

/// The body as an object: 413 over the limit, 415 unless it is `application/scim+json` or `application/json`, 400 if it is no object.
#[derive(Debug, Clone)]
pub struct ScimBody(pub Map<String, Value>);

impl FromRequest for ScimBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            check_media_type(&request, &[SCIM_JSON, "application/json"])?;
            json::parse::<ScimObject>(&read(&request, payload).await?).map(|ScimObject(members)| Self(members))
        })
    }
}
