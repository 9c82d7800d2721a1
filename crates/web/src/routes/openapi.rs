//! The OpenAPI 3.1 document: what handlers say about themselves plus what holds for all of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, Info, OpenApi, OpenApiBuilder, PathsBuilder, RefOr, Required, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{Entry, Guard, Routes, list_names, null_schema, patch_schema, scim, standard};
use crate::extract::SESSION_COOKIE;
use crate::problem::scim::{ScimErrorBody, speaks};
use crate::problem::{FaultBody, ProblemBody};

/// What an `Idempotency-Key` is: 1 to 255 visible characters, bare or in double quotes (`extract::once`).
const KEY: &str = r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#;
/// What the condition of a change is: `*`, or entity tags (`extract::entity_tags`).
const TAGS: &str = r#"^([ \t]*\*[ \t]*|[ \t,]*(W/)?"[!#-~]*"([ \t]*,[ \t,]*(W/)?"[!#-~]*")*[ \t,]*)$"#;

impl Routes {
    /// The whole document.
    #[must_use]
    pub fn openapi(&self, info: Info) -> OpenApi {
        let mut schemas = self.schemas();
        let mut paths: BTreeMap<&str, PathItem> = BTreeMap::new();
        let mut sent = Vec::new();
        for entry in &self.entries {
            let mut operation = complete(entry);
            // The patch of SCIM is a list of operations, no merge patch.
            if entry.info.method == actix_web::http::Method::PATCH && !speaks(&entry.info.path) {
                patch_schema::relax(&mut operation, &mut schemas);
            }
            sent.push(serde_json::to_value(&operation.request_body).unwrap_or_default());
            let method = openapi_method(&entry.info.method);
            let item = PathItem::new(method, operation);
            match paths.get_mut(entry.info.path.as_str()) {
                Some(present) => present.merge_operations(item),
                None => drop(paths.insert(&entry.info.path, item)),
            }
        }
        null_schema::require(&sent, &mut schemas);
        keep_used(&paths, &mut schemas);
        let paths = paths.into_iter().fold(PathsBuilder::new(), |paths, (path, item)| paths.path(path, item));
        let tags = self.tags.iter().map(|(name, text)| TagBuilder::new().name(*name).description(Some(*text)).build());
        let mut components = ComponentsBuilder::new()
            .security_scheme("bearer", bearer())
            .security_scheme("cookie", cookie())
            .security_scheme("apiKey", api_key())
            .schemas_from_iter(schemas);
        for (name, response) in standard::responses() {
            components = components.response(name, response);
        }
        OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).tags(Some(tags)).build()
    }

    /// Names that two different schemas claim: `#[schema(as = …)]` gives one of them another.
    #[must_use]
    pub fn conflicts(&self) -> Vec<String> {
        let mut seen: BTreeMap<String, &RefOr<Schema>> = BTreeMap::new();
        let mut twice = Vec::new();
        for (name, schema) in self.entries.iter().flat_map(|entry| &entry.schemas) {
            let name = list_names::name(name);
            match seen.get(&name) {
                Some(present) if *present != schema => twice.push(name),
                Some(_) => {}
                None => drop(seen.insert(name, schema)),
            }
        }
        twice.sort();
        twice.dedup();
        twice
    }

    /// Schemas that the document refers to although nobody defines them: enums of query parameters need `#[param(inline)]`.
    #[must_use]
    pub fn dangling(&self) -> Vec<String> {
        let document = serde_json::to_value(self.openapi(Info::new("", ""))).unwrap_or_default();
        let mut references = Vec::new();
        collect_references(&document, &mut references);
        references.retain(|reference| document.pointer(reference.trim_start_matches('#')).is_none());
        references.sort();
        references.dedup();
        references
    }

    fn schemas(&self) -> BTreeMap<String, RefOr<Schema>> {
        let all = self.entries.iter().flat_map(|entry| entry.schemas.iter().cloned());
        let mut schemas: BTreeMap<_, _> = all.map(|(name, schema)| (list_names::name(&name), schema)).collect();
        schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
        schemas.insert(FaultBody::name().into_owned(), FaultBody::schema());
        schemas.insert(ScimErrorBody::name().into_owned(), ScimErrorBody::schema());
        schemas
    }
}

/// Leaves out the schemas that nothing refers to, such as a PUT body of which there is but the patch.
fn keep_used(paths: &BTreeMap<&str, PathItem>, schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let values: BTreeMap<_, _> =
        schemas.iter().map(|(name, schema)| (name.clone(), serde_json::to_value(schema).unwrap_or_default())).collect();
    let mut used = BTreeSet::from([ProblemBody::name().into_owned()]);
    for schema in values.get(&*ProblemBody::name()).into_iter().cloned().chain(paths.values().map(|item| json!(item))) {
        null_schema::reach(&schema, &values, &mut used);
    }
    schemas.retain(|name, _| used.contains(name));
}

/// What the handler says, plus what its guard, method and path imply.
fn complete(entry: &Entry) -> Operation {
    let mut operation = entry.operation.clone();
    list_names::refer(&mut operation);
    let info = &entry.info;
    let method = info.method.as_str();

    let extensions = Extensions::builder().add("x-guard", guard_name(&info.guard));
    let extensions = match &info.guard {
        Guard::Permission(permission) => extensions.add("x-permission", permission.name()),
        Guard::Party(who) => extensions.add("x-party", *who),
        Guard::Public | Guard::SignedIn => extensions,
    };
    let extensions = if entry.steps_up { extensions.add("x-step-up", true) } else { extensions };
    match &mut operation.extensions {
        Some(present) => present.merge(extensions.build()),
        none => *none = Some(extensions.build()),
    }
    let schemes: &[&str] = match info.guard {
        Guard::Public => &[],
        _ if entry.of_persons => &["bearer", "cookie"],
        _ => &["bearer", "cookie", "apiKey"],
    };
    operation.security = Some(schemes.iter().map(|scheme| SecurityRequirement::new::<_, [&str; 0], _>(*scheme, [])).collect());

    let parameters = operation.parameters.get_or_insert_with(Vec::new);
    for (at, segment) in info.path.match_indices('{').map(|(at, _)| (at, &info.path[at + 1..])) {
        let name = segment.split('}').next().unwrap_or(segment);
        add_parameter(parameters, path_parameter(name, info.path[..at].trim_end_matches('/')));
    }
    if entry.keyed {
        let text = "Makes a repetition safe: the first answer to this key is stored with its effect and given again for 24 hours. 400 \
             IDEMPOTENCY_KEY_INVALID, 409 IDEMPOTENCY_KEY_IN_FLIGHT while the first still runs, 409 IDEMPOTENCY_ANSWER_LOST, 422 \
             IDEMPOTENCY_KEY_REUSED for another request.";
        add_parameter(parameters, header("Idempotency-Key", text, string().pattern(Some(KEY))));
    }
    if entry.conditional {
        let tags = || string().pattern(Some(TAGS));
        add_parameter(parameters, header("If-Match", "Do it only if the resource still has one of these ETags.", tags()));
        add_parameter(parameters, header("If-None-Match", "Do it only if the resource has none of these ETags.", tags()));
    }
    if entry.tagged && method == "GET" {
        let text = "The ETags of what you have: 304 if it is still one of them.";
        add_parameter(parameters, header("If-None-Match", text, string()));
    }
    // Whatever it is, no request is refused for it.
    let text = "Kept for logs and audit, and echoed, if it is 1 to 64 of A-Z a-z 0-9 - _ . ; else a new one takes its place.";
    add_parameter(parameters, header("X-Request-Id", text, string()));

    standard::complete_responses(&mut operation, entry);
    if speaks(&info.path) {
        scim::speak(&mut operation);
    }
    operation
}

fn collect_references(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, references)),
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                references.push(reference.clone());
            }
            members.values().for_each(|member| collect_references(member, references));
        }
        _ => {}
    }
}

fn guard_name(guard: &Guard) -> &'static str {
    match guard {
        Guard::Public => "public",
        Guard::SignedIn => "signed-in",
        Guard::Permission(_) => "permission",
        Guard::Party(_) => "party",
    }
}

fn add_parameter(parameters: &mut Vec<RefOr<Parameter>>, parameter: Parameter) {
    let same = |present: &RefOr<Parameter>| match present {
        RefOr::T(present) => present.name == parameter.name && present.parameter_in == parameter.parameter_in,
        RefOr::Ref(_) => false,
    };
    if !parameters.iter().any(same) {
        parameters.push(RefOr::T(parameter));
    }
}

/// An id in a path, after that of the collection which it is chosen from.
fn path_parameter(name: &str, collection: &str) -> Parameter {
    let text = format!("Which of `{collection}`: its `{name}`.");
    let uuid = ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(text))
        .schema(Some(uuid))
        .example(Some(json!("01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11")))
        .build()
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(Type::String))
}

fn header(name: &str, text: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(schema))
        .build()
}

fn bearer() -> SecurityScheme {
    let text = "The accessToken of POST /api/auth/login or /api/auth/register.";
    SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build())
}

fn api_key() -> SecurityScheme {
    let text = "A key of POST /api/api-keys, for a program. It may what its scopes and the present rights of who made it have in common.";
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("b14_live_…").description(Some(text));
    SecurityScheme::Http(scheme.build())
}

fn cookie() -> SecurityScheme {
    let text = "Set at sign-in. Writes need an allowed Origin. In development, where it is not Secure, its name is `session`.";
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(SESSION_COOKIE, text)))
}

fn openapi_method(method: &actix_web::http::Method) -> HttpMethod {
    match method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "DELETE" => HttpMethod::Delete,
        "OPTIONS" => HttpMethod::Options,
        "HEAD" => HttpMethod::Head,
        "PATCH" => HttpMethod::Patch,
        "TRACE" => HttpMethod::Trace,
        _ => HttpMethod::Get,
    }
}
