//! What this server says about itself (RFC 7643 §5 to §7): the same for everybody, so nobody is asked who they are.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use directory_api::Query;
use serde_json::{Value, json};
use web::{Id, Problem, Reply};

use super::documented::SelfDescription;
use super::schemas::{GROUP_TYPE, USER_TYPE, all as all_schemas};
use super::shown::Base;
use crate::scim::attributes::{GROUP, USER};

const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";

fn told(what: &Value) -> HttpResponse {
    Reply::ok(what).scim().response()
}

fn all(resources: Vec<Value>) -> HttpResponse {
    told(&json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": resources.len(),
        "startIndex": 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    }))
}

fn one(resources: Vec<Value>, id: &str) -> Result<HttpResponse, Problem> {
    let found =
        resources.into_iter().find(|resource| resource["id"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(id)));
    found.map(|found| told(&found)).ok_or_else(Problem::not_found)
}

fn types(base: &Base) -> Vec<Value> {
    [(USER_TYPE, "/Users", USER), (GROUP_TYPE, "/Groups", GROUP)]
        .into_iter()
        .map(|(name, endpoint, schema)| {
            json!({
                "schemas": [RESOURCE_TYPE],
                "id": name,
                "name": name,
                "description": if name == USER_TYPE { "What a directory says of a person" } else { "A named set of users" },
                "endpoint": endpoint,
                "schema": schema,
                "schemaExtensions": [],
                "meta": { "resourceType": "ResourceType", "location": base.place(&format!("ResourceTypes/{name}")) },
            })
        })
        .collect()
}

/// Read what of SCIM is spoken.
///
/// Patches, filters and entity tags are; bulk operations, sorting and changes of passwords are not.
#[utoipa::path(responses((status = 200, description = "What is spoken", body = SelfDescription)))]
#[get("/scim/v2/ServiceProviderConfig")]
pub(super) async fn config(base: Data<Base>) -> HttpResponse {
    told(&json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": Query::MOST },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "API key",
            "description": "A key of POST /api/api-keys with the scope directory.manage, as a bearer token",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": base.place("ServiceProviderConfig") },
    }))
}

/// List the kinds of resources.
///
/// Users and groups.
#[utoipa::path(responses((status = 200, description = "The kinds of resources", body = SelfDescription)))]
#[get("/scim/v2/ResourceTypes")]
pub(super) async fn resource_types(base: Data<Base>) -> HttpResponse {
    all(types(&base))
}

/// Read a kind of resources.
///
/// Where they are, and what schema they have.
#[utoipa::path(
    params(("id" = String, Path, description = "Which of them: `User` or `Group`", example = json!("User"))),
    responses((status = 200, description = "The kind of resources", body = SelfDescription))
)]
#[get("/scim/v2/ResourceTypes/{id}")]
pub(super) async fn resource_type(Id(id): Id<String>, base: Data<Base>) -> Result<HttpResponse, Problem> {
    one(types(&base), &id)
}

/// List the schemas.
///
/// Of users, groups, and what describes them: which attributes are kept.
#[utoipa::path(responses((status = 200, description = "The schemas", body = SelfDescription)))]
#[get("/scim/v2/Schemas")]
pub(super) async fn list_schemas(base: Data<Base>) -> HttpResponse {
    all(all_schemas(&base))
}

/// Read a schema.
///
/// Which attributes there are, and what each may hold.
#[utoipa::path(
    params(("id" = String, Path, description = "Which of them: its name", example = json!("urn:ietf:params:scim:schemas:core:2.0:User"))),
    responses((status = 200, description = "The schema", body = SelfDescription))
)]
#[get("/scim/v2/Schemas/{id}")]
pub(super) async fn read_schema(Id(id): Id<String>, base: Data<Base>) -> Result<HttpResponse, Problem> {
    one(all_schemas(&base), &id)
}
