//! Identifiers: a newtype over UUIDv7 per kind of thing, so that a bid's id cannot stand where a tender's is meant.

/// Makes an id type of each name. An id stands in the api crate of the domain that owns it. Here are only those of a [`crate::Ctx`] and those that
/// a domain speaks of which stands below the owner (escrow of bids): whatever changes here rebuilds everything.
#[macro_export]
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $crate::uuid::Uuid);

        // By hand, since a derived one wants `serde` among the dependencies of whoever makes an id.
        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::serde::Serialize::serialize(&self.0, serializer)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::serde::Deserialize::deserialize(deserializer).map(Self)
            }
        }

        impl $name {
            /// A fresh id: UUIDv7, so that ids made later sort later.
            #[must_use]
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self($crate::uuid::Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<$crate::uuid::Uuid> for $name {
            fn from(id: $crate::uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for $crate::uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

ids! {
    /// An organisation: the tenant.
    OrgId;
    /// A person.
    UserId;
    /// A signed-in session.
    SessionId;
    /// A key of an organisation.
    ApiKeyId;
    /// An operator's look at an organisation that consented to it.
    SupportSessionId;
    /// A project.
    ProjectId;
    /// A line of a schedule of quantities; the same line keeps its id through all versions.
    SoqLineId;
    /// A tender.
    TenderId;
    /// A contractor's bid on a tender.
    BidId;
}
