//! `/scim/v2`: users, groups, and what this server says about itself.

mod discovery;
mod documented;
mod groups;
mod query;
mod schemas;
mod search;
mod shown;
mod users;

use directory_api::perm;
use web::{Guard, Routes};

pub(crate) use shown::Base;

/// Adds this crate's endpoints.
pub(crate) fn routes(r: &mut Routes) {
    r.tag(
        "Directory",
        "What an organisation's directory says of its people: SCIM 2.0 (RFC 7643, 7644) for Entra, Okta and their like, with an API key of the scope `directory.manage`.",
    );
    r.resource("directoryConfig").add(Guard::Public, || discovery::config);
    r.resource("directoryResourceTypes");
    r.add(Guard::Public, || discovery::resource_types);
    r.add(Guard::Public, || discovery::resource_type);
    r.resource("directorySchemas");
    r.add(Guard::Public, || discovery::list_schemas);
    r.add(Guard::Public, || discovery::read_schema);
    r.resource("directory").add(perm::MANAGE, || search::search).without_key();
    r.resource("directoryUsers");
    r.add(perm::MANAGE, || users::list);
    r.add(perm::MANAGE, || users::create).without_key().tagged();
    r.add(perm::MANAGE, || users::read).tagged();
    r.add(perm::MANAGE, || users::replace).tagged();
    r.add(perm::MANAGE, || users::change).tagged();
    r.add(perm::MANAGE, || users::remove);
    r.resource("directoryGroups");
    r.add(perm::MANAGE, || groups::list);
    r.add(perm::MANAGE, || groups::create).without_key().tagged();
    r.add(perm::MANAGE, || groups::read).tagged();
    r.add(perm::MANAGE, || groups::replace).tagged();
    r.add(perm::MANAGE, || groups::change).tagged();
    r.add(perm::MANAGE, || groups::remove);
}
