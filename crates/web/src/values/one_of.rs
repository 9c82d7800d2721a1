//! States, kinds and roles on the wire.

use std::borrow::Cow;

use kernel::Named;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::__dev::ComposeSchema;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};

/// One of a set of names ([`kernel::named!`]). A DTO speaks of it by an alias without parameters, so that the document has one schema of the
/// set and refers to it: `type Status = OneOf<ProjectStatus>;`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneOf<T>(pub T);

impl<T> From<T> for OneOf<T> {
    fn from(one: T) -> Self {
        Self(one)
    }
}

impl<T: Named> Serialize for OneOf<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.stable_name())
    }
}

impl<'de, T: Named> Deserialize<'de> for OneOf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        kernel::deserialize_named(deserializer).map(Self)
    }
}

impl<T: Named> ComposeSchema for OneOf<T> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        let names = T::EACH.iter().filter(|one| one.is_reached()).map(|one| one.stable_name());
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .enum_values(Some(names))
            .description(Some(T::ABOUT.trim()))
            .into()
    }
}

impl<T: Named> ToSchema for OneOf<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(T::SET)
    }
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;

    kernel::named! {
        /// Where a lamp stands.
        enum Lamp as "LampState" {
            Lit = "lit",
            Dark = "dark",
            Broken = "broken" unreached,
        }
    }

    #[test]
    fn clients_are_told_the_names_that_something_leads_to() {
        let schema = serde_json::to_value(OneOf::<Lamp>::schema()).expect("a value");
        assert_eq!(schema, serde_json::json!({"type": "string", "enum": ["lit", "dark"], "description": "Where a lamp stands."}));
        assert_eq!(OneOf::<Lamp>::name(), "LampState");
    }
}
