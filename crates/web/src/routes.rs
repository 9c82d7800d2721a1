//! `Routes`: every endpoint with its permission next to its path; the App, the OpenAPI document and the generated tests read it.

mod fallback;
mod guard;
mod list_names;
mod null_schema;
mod openapi;
mod patch_schema;
mod refusals;
mod registration;
mod scim;
mod standard;

use std::collections::HashSet;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::web::ServiceConfig;
use kernel::Permission;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterIn};
use utoipa::openapi::{RefOr, Schema};

pub(crate) use fallback::{fallback, only_get};
pub use guard::Guard;

type Register = Box<dyn Fn(&mut ServiceConfig) + Send + Sync>;

/// One endpoint, as the generated tests see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// Upper-case method.
    pub method: Method,
    /// Path template, such as `/api/tenders/{id}/award`.
    pub path: String,
    /// Who may call it.
    pub guard: Guard,
}

struct Entry {
    info: RouteInfo,
    operation: Operation,
    schemas: Vec<(String, RefOr<Schema>)>,
    body_limit: Option<usize>,
    /// Whether it takes an `Idempotency-Key`.
    keyed: bool,
    /// Whether it takes an `If-Match`.
    conditional: bool,
    /// Whether its answers carry an `ETag`.
    tagged: bool,
    /// Whether it wants a natural person: none of it is for API keys.
    of_persons: bool,
    /// Whether it wants a fresh proof of who that is.
    steps_up: bool,
    /// Whether it is about what is the person's own: none of it is for a session that an organisation's issuer made.
    own: bool,
    /// Whether support reads it, though its guard names no permission.
    for_support: bool,
}

/// All endpoints. Each domain adds its own: `pub fn routes(r: &mut Routes)`.
#[derive(Default)]
pub struct Routes {
    entries: Vec<Entry>,
    tags: Vec<(&'static str, &'static str)>,
    resource: Option<&'static str>,
    registrations: Vec<(String, Register)>,
    group: usize,
    sealing: bool,
    sealed: HashSet<String>,
}

impl Routes {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the group of the documentation that the following routes belong to.
    pub fn tag(&mut self, name: &'static str, description: &'static str) -> &mut Self {
        self.tags.push((name, description));
        self.resource = None;
        self.sealing = false;
        self
    }

    /// Names the resource of the following routes as generated clients call it, such as `projectUnits`, in the plural where there are many.
    pub fn resource(&mut self, name: &'static str) -> &mut Self {
        self.resource = Some(name);
        self
    }

    /// Seals the routes of the group that was just named: who calls them, with which thing, how often and for how long is nobody's to read
    /// in logs and metrics. All sealed routes are one there.
    pub fn sealed(&mut self) -> &mut Self {
        self.sealing = true;
        self
    }

    /// Whether the route of this path template is sealed.
    #[must_use]
    pub fn is_sealed(&self, template: &str) -> bool {
        self.sealed.contains(template)
    }

    /// Adds a handler that has `#[utoipa::path(…)]` above `#[get("…")]` (or post, put, patch, delete): `r.add(perm::AWARD, || award)`.
    pub fn add<H>(&mut self, guard: impl Into<Guard>, handler: impl Fn() -> H + Send + Sync + 'static) -> &mut Self
    where
        H: HttpServiceFactory + utoipa::Path + utoipa::__dev::SchemaReferences + 'static,
    {
        let guard = guard.into();
        let path = H::path();
        if self.sealing {
            self.sealed.insert(path.clone());
        }
        let mut schemas = Vec::new();
        H::schemas(&mut schemas);
        self.group = self.entries.len();
        for method in H::methods() {
            let mut operation = H::operation();
            if let Some((tag, _)) = self.tags.last() {
                operation.tags = Some(vec![(*tag).to_owned()]);
                let resource = self.resource.map_or_else(|| camel_case(tag), str::to_owned);
                operation.operation_id = Some(operation_id(&resource, &http_method(&method), &path));
            }
            let info = RouteInfo { method: http_method(&method), path: path.clone(), guard: guard.clone() };
            let keyed = info.method == Method::POST && info.guard != Guard::Public;
            let conditional = [Method::PUT, Method::PATCH, Method::DELETE].contains(&info.method);
            let of_persons = info.guard.wants_person();
            let own = info.guard == Guard::SignedIn;
            self.entries.push(Entry {
                info,
                operation,
                schemas: schemas.clone(),
                body_limit: None,
                keyed,
                conditional,
                tagged: false,
                of_persons,
                steps_up: false,
                own,
                for_support: false,
            });
        }
        let register: Register = Box::new(move |config| {
            config.service(handler());
        });
        self.registrations.push((path, register));
        self
    }

    /// Lets the route that was just added take bodies of up to `bytes`.
    pub fn body_limit(&mut self, bytes: usize) -> &mut Self {
        for entry in &mut self.entries[self.group..] {
            entry.body_limit = Some(bytes);
        }
        self
    }

    /// Says that the POST that was just added takes no `Idempotency-Key`, as one does whose handler has no [`crate::Idempotent`].
    pub fn without_key(&mut self) -> &mut Self {
        for entry in &mut self.entries[self.group..] {
            entry.keyed = false;
        }
        self
    }

    /// Says that the PUT, PATCH or DELETE that was just added takes no `If-Match`, as one does whose handler has no [`crate::IfMatch`].
    pub fn unconditional(&mut self) -> &mut Self {
        for entry in &mut self.entries[self.group..] {
            entry.conditional = false;
        }
        self
    }

    /// Says that the answers of the route that was just added carry an `ETag`; those of a GET are 304 for whom has them already.
    pub fn tagged(&mut self) -> &mut Self {
        for entry in &mut self.entries[self.group..] {
            entry.tagged = true;
        }
        self
    }

    /// Says that the route that was just added wants a natural person, where its guard does not tell: a party whose word binds it.
    pub fn by_persons(&mut self) -> &mut Self {
        for entry in &mut self.entries[self.group..] {
            entry.of_persons = true;
        }
        self
    }

    /// Says that the route that was just added wants a proof of who the caller is that is not older than [`auth_api::Session::FRESH_FOR`], whatever the
    /// guard. Only a natural person can give one.
    pub fn stepping_up(&mut self) -> &mut Self {
        for entry in &mut self.entries[self.group..] {
            entry.steps_up = true;
            entry.of_persons = true;
        }
        self
    }

    /// Says that the route that was just added is for API keys as well, though it asks for no permission: it is about nobody.
    pub fn for_keys(&mut self) -> &mut Self {
        for entry in &mut self.entries[self.group..] {
            entry.of_persons = false;
        }
        self
    }

    /// Says that the route that was just added is for the session of an organisation's issuer as well, though it asks for no permission: it tells or does
    /// nothing beyond that session and its organisation.
    pub fn for_bound(&mut self) -> &mut Self {
        for entry in &mut self.entries[self.group..] {
            entry.own = false;
        }
        self
    }

    /// Says that the route that was just added wants a session of the person's own, whatever the guard: none that an organisation's issuer made.
    pub fn by_own_session(&mut self) -> &mut Self {
        for entry in &mut self.entries[self.group..] {
            entry.own = true;
        }
        self
    }

    /// Says that support reads the route that was just added, a party's: its service asks a permission that support has of the side on which support
    /// looks, and another one of the other sides. Without it what is for parties is not for support.
    pub fn for_support(&mut self) -> &mut Self {
        for entry in &mut self.entries[self.group..] {
            entry.for_support = true;
        }
        self
    }

    /// Every endpoint, in the order of paths.
    #[must_use]
    pub fn catalogue(&self) -> Vec<RouteInfo> {
        let mut all: Vec<_> = self.entries.iter().map(|entry| entry.info.clone()).collect();
        all.sort_by(|a, b| (&a.path, a.method.as_str()).cmp(&(&b.path, b.method.as_str())));
        all
    }

    pub(crate) fn body_limit_of(&self, method: &Method, path: &str) -> Option<usize> {
        self.entries.iter().find(|entry| entry.info.path == path && entry.info.method == *method)?.body_limit
    }

    pub(crate) fn guard_of(&self, method: &Method, path: &str) -> Option<&Guard> {
        Some(&self.entries.iter().find(|entry| entry.info.path == path && entry.info.method == *method)?.info.guard)
    }

    /// Whether the route wants a natural person, and with which permission, if it asks for one.
    pub(crate) fn wants_person(&self, method: &Method, path: &str) -> Option<Option<Permission>> {
        let entry = self.entries.iter().find(|entry| entry.info.path == path && entry.info.method == *method)?;
        let permission = if let Guard::Permission(permission) = entry.info.guard { Some(permission) } else { None };
        entry.of_persons.then_some(permission)
    }

    /// Whether the route wants a fresh proof of who the caller is.
    #[must_use]
    pub fn steps_up(&self, method: &Method, path: &str) -> bool {
        self.entries.iter().any(|entry| entry.steps_up && entry.info.path == path && entry.info.method == *method)
    }

    /// Whether support reads the route: what asks for a permission that it has, and of what is for parties what says so. What wants a natural person is
    /// for no operator.
    #[must_use]
    pub fn is_for_support(&self, method: &Method, path: &str) -> bool {
        let entry = self.entries.iter().find(|entry| entry.info.path == path && entry.info.method == *method);
        entry.is_some_and(|entry| {
            let listed = match entry.info.guard {
                Guard::Permission(permission) => auth_api::support_allows(permission),
                Guard::Party(_) => entry.for_support,
                Guard::Public | Guard::SignedIn => false,
            };
            listed && !entry.of_persons && *method == Method::GET
        })
    }

    /// Whether the route wants a session of the person's own; `None` for one that is not ours, such as a page.
    pub(crate) fn wants_own(&self, method: &Method, path: &str) -> Option<bool> {
        let mut entries = self.entries.iter().filter(|entry| entry.info.path == path).peekable();
        entries.peek()?;
        Some(entries.any(|entry| entry.own && entry.info.method == *method))
    }

    /// Whether the route documents a body; one that is not ours is left alone.
    pub(crate) fn takes_body(&self, method: &Method, path: &str) -> bool {
        let entry = self.entries.iter().find(|entry| entry.info.path == path && entry.info.method == *method);
        entry.is_none_or(|entry| entry.operation.request_body.is_some())
    }

    /// Whether the route documents query parameters, which its [`crate::Query`] or [`crate::Listing`] then checks; one that is not ours is left alone.
    pub(crate) fn takes_query(&self, method: &Method, path: &str) -> bool {
        let entry = self.entries.iter().find(|entry| entry.info.path == path && entry.info.method == *method);
        let in_query = |parameter: &RefOr<Parameter>| match parameter {
            RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
            RefOr::Ref(_) => true,
        };
        entry.is_none_or(|entry| entry.operation.parameters.iter().flatten().any(in_query))
    }

    /// The methods that some endpoint of this very path has.
    pub(crate) fn methods_of(&self, path: &str) -> Vec<&Method> {
        let is_named = self.entries.iter().any(|entry| entry.info.path == path);
        let mine = |template: &str| if is_named { template == path } else { fits(template, path) };
        self.entries.iter().filter(|entry| mine(&entry.info.path)).map(|entry| &entry.info.method).collect()
    }
}

/// Whether a path is one of those that a template stands for.
fn fits(template: &str, path: &str) -> bool {
    let (mut a, mut b) = (template.split('/'), path.split('/'));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b || (a.starts_with('{') && !b.is_empty()) => {}
            _ => return false,
        }
    }
}

/// What generated clients call an operation: the resource and what is done with it. Reading, replacing, changing and removing go by the method; a
/// GET that ends in no id lists what is in the plural; a POST creates where the path ends in the resource, and does elsewhere what the path ends
/// in: `tendersCancelAward`.
fn operation_id(resource: &str, method: &Method, path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or_default();
    let of_its_collection = || {
        let (resource, last) = (resource.to_lowercase(), last.to_lowercase().replace('-', ""));
        resource.trim_end_matches('s').ends_with(last.trim_end_matches('s'))
    };
    let verb = match method.as_str() {
        "PUT" => "replace",
        "PATCH" => "change",
        "DELETE" => "remove",
        "POST" if of_its_collection() => "create",
        "POST" => last,
        _ if resource.ends_with('s') && !last.starts_with('{') => "list",
        _ => "read",
    };
    camel_case(&format!("{resource}-{verb}"))
}

/// `tendersCancelAward` for `tenders-cancel-award`, `projectTeams` for `Project teams`.
fn camel_case(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.enumerate().fold(String::new(), |mut name, (place, word)| {
        let (first, rest) = word.split_at(1);
        name += &if place == 0 { first.to_lowercase() } else { first.to_uppercase() };
        name += rest;
        name
    })
}

fn http_method(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
        #[allow(unreachable_patterns)]
        _ => Method::GET,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_called_by_their_resource_and_method() {
        for (resource, method, path, id) in [
            ("projects", Method::GET, "/api/projects", "projectsList"),
            ("projects", Method::GET, "/api/projects/{id}", "projectsRead"),
            ("projects", Method::POST, "/api/projects", "projectsCreate"),
            ("projects", Method::PUT, "/api/projects/{id}", "projectsReplace"),
            ("projects", Method::PATCH, "/api/projects/{id}", "projectsChange"),
            ("projects", Method::DELETE, "/api/projects/{id}", "projectsRemove"),
            ("projectUnits", Method::POST, "/api/projects/{id}/units", "projectUnitsCreate"),
            ("tenders", Method::POST, "/api/tenders/{id}/cancel-award", "tendersCancelAward"),
            ("payeeAccount", Method::GET, "/api/payee-account", "payeeAccountRead"),
            ("payeeAccount", Method::POST, "/api/payee-account", "payeeAccountCreate"),
            ("directoryUsers", Method::POST, "/scim/v2/Users", "directoryUsersCreate"),
            ("directory", Method::POST, "/scim/v2/.search", "directorySearch"),
        ] {
            assert_eq!(operation_id(resource, &method, path), id);
        }
        assert_eq!(camel_case("Project teams"), "projectTeams");
    }
}
