//! What the document says of bodies and answers. They are read and written by hand, since SCIM tells no capitals apart and leaves aside what it does not know.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use uuid::Uuid;
use web::ScimObject;

/// Which part of a list is asked for.
#[derive(IntoParams)]
#[allow(dead_code)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(super) struct PartQuery {
    /// The number of the first, from 1
    start_index: Option<i64>,
    /// The most: 100 unless it is said, at most 200
    count: Option<i64>,
}

/// Which attributes are asked for.
#[derive(IntoParams)]
#[allow(dead_code)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(super) struct WantedQuery {
    /// Only these attributes, with commas between them, and what is always told
    attributes: Option<String>,
    /// All attributes but these
    excluded_attributes: Option<String>,
}

/// What a directory says of a person.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = ScimUser, rename_all = "camelCase", example = json!({
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@directory.example", "externalId": "00u1a2b3c4",
    "name": {"formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada"}, "displayName": "Ada Lovelace",
    "preferredLanguage": "en-GB", "active": true, "emails": [{"value": "ada@directory.example", "type": "work", "primary": true}]
}))]
pub(super) struct UserBody {
    /// What it is: `urn:ietf:params:scim:schemas:core:2.0:User`.
    #[schema(min_items = 1, max_items = 20)]
    schemas: Vec<SchemaName>,
    /// Ours; left aside in what is sent.
    id: Option<Uuid>,
    /// By which name the directory knows them: one of its kind, whatever the capitals.
    #[schema(min_length = 1, max_length = 254)]
    user_name: String,
    /// The directory's own id.
    #[schema(max_length = 254)]
    external_id: Option<String>,
    /// What they are called, in its parts.
    name: Option<NameBody>,
    /// What they are called.
    #[schema(max_length = 200)]
    display_name: Option<String>,
    /// In which languages they like to be written to, as in `Accept-Language`: `de-AT, en;q=0.5`.
    #[schema(max_length = 200)]
    preferred_language: Option<String>,
    /// Whether the organisation lets them in. True unless it is said otherwise.
    active: Option<bool>,
    /// Their addresses. Invited is the primary one, else that for work, else the first, else `userName` if it is one.
    #[schema(max_items = 20)]
    emails: Option<Vec<EmailBody>>,
    /// The groups that they are in; left aside in what is sent.
    #[schema(max_items = 10000)]
    groups: Option<Vec<GroupOfUserBody>>,
    /// What this server says of it; left aside in what is sent.
    meta: Option<MetaBody>,
}

/// The name of a schema.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = ScimSchemaName, max_length = 254)]
pub(super) struct SchemaName(String);

/// What a person is called, in its parts.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = ScimName, rename_all = "camelCase")]
pub(super) struct NameBody {
    /// The whole name.
    #[schema(max_length = 200)]
    formatted: Option<String>,
    /// The family name.
    #[schema(max_length = 200)]
    family_name: Option<String>,
    /// The given name.
    #[schema(max_length = 200)]
    given_name: Option<String>,
}

/// An address.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = ScimEmail)]
pub(super) struct EmailBody {
    /// The address.
    #[schema(min_length = 3, max_length = 254)]
    value: String,
    /// What it is for, such as `work`.
    #[schema(max_length = 100)]
    r#type: Option<String>,
    /// Whether it is the first of several.
    primary: Option<bool>,
}

/// A group that a user is in.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = ScimGroupOfUser)]
pub(super) struct GroupOfUserBody {
    /// The group's id.
    value: Uuid,
    /// What the group is called.
    #[schema(max_length = 200)]
    display: String,
}

/// What this server says of a resource.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = ScimMeta, rename_all = "camelCase")]
pub(super) struct MetaBody {
    /// What it is: `User` or `Group`.
    #[schema(max_length = 20)]
    resource_type: String,
    /// Since when it is there.
    created: DateTime<Utc>,
    /// When it last changed.
    last_modified: DateTime<Utc>,
    /// Where it is.
    #[schema(format = "uri", max_length = 2000)]
    location: String,
    /// Its `ETag`.
    #[schema(max_length = 100)]
    version: String,
}

/// What a directory says of a group: a named set of users, which gives nobody any right.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = ScimGroup, rename_all = "camelCase", example = json!({
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Site managers", "externalId": "00g1a2b3c4",
    "members": [{"value": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12"}]
}))]
pub(super) struct GroupBody {
    /// What it is: `urn:ietf:params:scim:schemas:core:2.0:Group`.
    #[schema(min_items = 1, max_items = 20)]
    schemas: Vec<SchemaName>,
    /// Ours; left aside in what is sent.
    id: Option<Uuid>,
    /// What it is called: one of its kind, whatever the capitals.
    #[schema(min_length = 1, max_length = 200)]
    display_name: String,
    /// The directory's own id.
    #[schema(max_length = 254)]
    external_id: Option<String>,
    /// Whom it names.
    #[schema(max_items = 10000)]
    members: Option<Vec<MemberBody>>,
    /// What this server says of it; left aside in what is sent.
    meta: Option<MetaBody>,
}

/// A member of a group.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = ScimMember)]
pub(super) struct MemberBody {
    /// The id of a user, who may come later than the group that names them.
    #[schema(min_length = 1, max_length = 100)]
    value: String,
}

/// Makes the shape of a list (RFC 7644 §3.4.2) of things of a kind.
macro_rules! lists {
    ($($(#[$($about:tt)*])* $list:ident as $called:ident { $(#[$($each:tt)*])* $thing:ident })+) => {$(
        $(#[$($about)*])*
        #[derive(ToSchema)]
        #[allow(dead_code)]
        #[schema(as = $called, rename_all = "camelCase")]
        pub(super) struct $list {
            /// That it is a list.
            schemas: Vec<SchemaName>,
            /// How many there are in all.
            #[schema(minimum = 0)]
            total_results: i64,
            /// The number of the first, from 1.
            #[schema(minimum = 1)]
            start_index: i64,
            /// How many there are here.
            #[schema(minimum = 0)]
            items_per_page: i64,
            $(#[$($each)*])*
            #[schema(rename = "Resources")]
            resources: Vec<$thing>,
        }
    )+};
}

lists! {
    /// A part of the users.
    UsersBody as ScimUsers {
        /// The users.
        UserBody
    }
    /// A part of the groups.
    GroupsBody as ScimGroups {
        /// The groups.
        GroupBody
    }
    /// What is found among users and groups.
    FoundBody as ScimFound {
        /// Users, then groups.
        ScimObject
    }
}

/// What is looked for among users and groups.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = ScimSearch, rename_all = "camelCase", example = json!({
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "displayName sw \"Site\"", "attributes": ["displayName"],
    "startIndex": 1, "count": 10
}))]
pub(super) struct SearchBody {
    /// That it is a search.
    #[schema(min_items = 1, max_items = 20)]
    schemas: Vec<SchemaName>,
    /// Which are meant, such as `displayName sw "Site"`; all without.
    #[schema(max_length = 4096)]
    filter: Option<String>,
    /// Only these attributes, and what is always told.
    #[schema(max_items = 100)]
    attributes: Option<Vec<AttributeName>>,
    /// All attributes but these.
    #[schema(max_items = 100)]
    excluded_attributes: Option<Vec<AttributeName>>,
    /// The number of the first, from 1.
    #[schema(minimum = 0, maximum = 1000000000)]
    start_index: Option<i64>,
    /// The most, at most 200.
    #[schema(minimum = 0, maximum = 1000000000)]
    count: Option<i64>,
}

/// The name of an attribute.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = ScimAttributeName, max_length = 254)]
pub(super) struct AttributeName(String);

/// Operations, of which all are done or none.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = ScimPatch)]
pub(super) struct PatchBody {
    /// That it is a patch: `urn:ietf:params:scim:api:messages:2.0:PatchOp`.
    #[schema(min_items = 1, max_items = 20)]
    schemas: Vec<SchemaName>,
    /// What is done, in this order.
    #[schema(rename = "Operations", min_items = 1, max_items = 100)]
    operations: Vec<OperationBody>,
}

/// One operation of a patch.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = ScimOperation)]
pub(super) struct OperationBody {
    /// `add`, `replace` or `remove`, in any capitals.
    #[schema(pattern = "^[A-Za-z]{3,7}$")]
    op: String,
    /// What of it, such as `emails[type eq "work"].value`; without, `value` names attributes.
    #[schema(max_length = 4096)]
    path: Option<String>,
    /// What is to stand there; of `remove`, which of several.
    value: Option<ValueBody>,
}

/// What an operation puts or takes: a text, a truth, an object, or a list.
#[allow(dead_code)]
pub(super) struct ValueBody;

impl PartialSchema for ValueBody {
    fn schema() -> RefOr<Schema> {
        let plain = |kind| ObjectBuilder::new().schema_type(SchemaType::new(kind));
        OneOfBuilder::new()
            .item(plain(Type::String).max_length(Some(4096)))
            .item(plain(Type::Boolean))
            .item(Ref::from_schema_name("ScimAttributes"))
            .item(ArrayBuilder::new().items(Ref::from_schema_name("ScimAttributes")).max_items(Some(10_000)))
            .description(Some(
                "A text, a truth (as a text too, as Entra sends it), an object of attributes, or a list of objects.",
            ))
            .into()
    }
}

impl ToSchema for ValueBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ScimValue")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((ScimObject::name().into_owned(), ScimObject::schema()));
    }
}

/// What this server says about itself.
#[allow(dead_code)]
pub(super) struct SelfDescription;

impl PartialSchema for SelfDescription {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Object))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .description(Some("What this server says about itself, in the shape that RFC 7643 gives it (§5 to §7)."))
            .into()
    }
}

impl ToSchema for SelfDescription {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ScimDescription")
    }
}
