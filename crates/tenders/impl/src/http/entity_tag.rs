//! Entity tags of tenders and bids.

use serde::Serialize;
use web::Reply;

/// The entity tag of a representation, whatever time it is.
pub(super) fn tag(dto: &impl Serialize) -> String {
    let mut value = serde_json::to_value(dto).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.remove("serverTime");
    }
    web::etag(&value)
}

/// With the entity tag of a resource.
pub(super) fn tagged(reply: Reply, tag: String) -> Reply {
    reply.header("ETag", tag)
}
