//! Users and groups as they are told: what a directory wrote, with what is ours, and the tag of the whole.

use actix_web::HttpResponse;
use directory_api::{DirectoryGroup, DirectoryUser};
use kernel::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use web::Reply;

use super::query::Wanted;
use crate::scim::attributes::Kind;
use crate::scim::write;

/// Where SCIM is spoken, as clients see it.
#[derive(Debug, Clone)]
pub(crate) struct Base(String);

impl Base {
    /// Below the place where this server is reached.
    pub(crate) fn below(public_url: &str) -> Self {
        Self(format!("{}/scim/v2", public_url.trim_end_matches('/')))
    }

    /// The place of something.
    pub(super) fn place(&self, path: &str) -> String {
        format!("{}/{path}", self.0)
    }
}

/// A resource, whole, with its tag.
pub(super) struct Shown {
    kind: Kind,
    body: Map<String, Value>,
    location: String,
    tag: String,
}

impl Shown {
    /// A user.
    pub(super) fn user(base: &Base, user: &DirectoryUser) -> Self {
        let mut body = write::user(&user.record);
        if !user.groups.is_empty() {
            let groups = user.groups.iter().map(|group| json!({ "value": group.id, "display": group.display_name }));
            body.insert("groups".to_owned(), groups.collect());
        }
        Self::whole(base, Kind::User, body, (user.id.0, user.created_at, user.updated_at))
    }

    /// A group.
    pub(super) fn group(base: &Base, group: &DirectoryGroup) -> Self {
        let body = write::group(&group.record);
        Self::whole(base, Kind::Group, body, (group.id.0, group.created_at, group.updated_at))
    }

    fn whole(
        base: &Base,
        kind: Kind,
        mut body: Map<String, Value>,
        (id, created, changed): (Uuid, Timestamp, Timestamp),
    ) -> Self {
        let location = base.place(&format!("{}s/{id}", kind.name()));
        body.insert("schemas".to_owned(), json!([kind.schema()]));
        body.insert("id".to_owned(), json!(id));
        let mut meta = json!({ "resourceType": kind.name(), "created": created, "lastModified": changed, "location": location });
        body.insert("meta".to_owned(), meta.clone());
        let tag = web::etag(&body);
        meta["version"] = json!(tag);
        body.insert("meta".to_owned(), meta);
        Self { kind, body, location, tag }
    }

    /// Its tag.
    pub(super) fn tag(self) -> String {
        self.tag
    }

    /// So much of it as is wanted.
    pub(super) fn wanted(self, wanted: &Wanted) -> Value {
        Value::Object(wanted.of(self.kind, self.body))
    }

    /// The answer to who made it.
    pub(super) fn created(self, wanted: &Wanted) -> HttpResponse {
        let (location, tag) = (self.location.clone(), self.tag.clone());
        Reply::created(location, &self.wanted(wanted)).header("ETag", tag).scim().response()
    }

    /// The answer to who changed or reads it.
    pub(super) fn reply(self, wanted: &Wanted) -> Reply {
        let tag = self.tag.clone();
        Reply::ok(&self.wanted(wanted)).header("ETag", tag).scim()
    }
}
