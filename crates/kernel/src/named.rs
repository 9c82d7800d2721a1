//! Sets of names: states, kinds and roles, each written once for the program, the database and the API.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de::Error};

/// One of a fixed set of things with stable names. [`named!`](crate::named) makes them; `web::OneOf` shows them to clients with their
/// schema, `db::named` reads them from a column.
pub trait Named: Copy + Send + Sync + 'static {
    /// What the OpenAPI document calls the set.
    const SET: &'static str;
    /// What the set is, for clients.
    const ABOUT: &'static str;
    /// Every one.
    const EACH: &'static [Self];
    /// Their names, in the same order.
    const NAMES: &'static [&'static str];

    /// The stable name, as the API and the database spell it.
    fn stable_name(self) -> &'static str;

    /// Whether anything leads to it yet: clients are told of nothing else.
    fn is_reached(self) -> bool;
}

/// The one of that name, if there is one.
pub fn one_named<T: Named>(name: &str) -> Option<T> {
    T::EACH.iter().copied().find(|one| one.stable_name() == name)
}

/// For the `Deserialize` of [`named!`](crate::named).
///
/// # Errors
/// Not a text, or not a name of the set: tells those that there are.
pub fn deserialize_named<'de, T: Named, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let name = Cow::<'de, str>::deserialize(deserializer)?;
    one_named(&name).ok_or_else(|| D::Error::unknown_variant(&name, T::NAMES))
}

/// Makes an enum of each set of names. `as` gives the set another name in the OpenAPI document; `unreached` behind a name keeps it from clients
/// until something leads there. The documentation of the enum is what clients read.
#[macro_export]
macro_rules! named {
    ($($(#[doc = $about:literal])* $vis:vis enum $set:ident $(as $called:literal)? {
        $($(#[doc = $doc:literal])* $one:ident = $name:literal $($unreached:ident)?,)+
    })+) => {$(
        $(#[doc = $about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis enum $set { $($(#[doc = $doc])* $one,)+ }

        #[allow(dead_code)]
        impl $set {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$one,)+];

            /// The stable name, as the API and the database spell it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$one => $name,)+ }
            }

            /// The one of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                $crate::one_named(name)
            }
        }

        impl $crate::Named for $set {
            const SET: &'static str = [$($called,)? stringify!($set)][0];
            const ABOUT: &'static str = concat!($($about,)*);
            const EACH: &'static [Self] = Self::ALL;
            const NAMES: &'static [&'static str] = &[$($name,)+];

            fn stable_name(self) -> &'static str {
                self.name()
            }

            fn is_reached(self) -> bool {
                match self { $(Self::$one => [$(stringify!($unreached),)? "reached"][0] == "reached",)+ }
            }
        }

        impl std::fmt::Display for $set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl $crate::serde::Serialize for $set {
            fn serialize<S: $crate::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $set {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::deserialize_named(deserializer)
            }
        }
    )+};
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::named! {
        /// Where a door
        /// stands.
        pub enum Door as "DoorState" {
            /// One can walk through.
            Open = "open",
            /// One cannot.
            Shut = "shut",
            /// Nobody has built that yet.
            Revolving = "revolving" unreached,
        }
        /// Which side.
        pub enum Side {
            /// The only one there is.
            Inner = "inner",
        }
    }

    #[test]
    fn a_name_is_written_once() {
        assert_eq!((Door::SET, Side::SET, Door::ABOUT.trim()), ("DoorState", "Side", "Where a door stands."));
        assert_eq!(Door::ALL.iter().map(|door| door.name()).collect::<Vec<_>>(), Door::NAMES);
        assert_eq!((Door::from_name("shut"), Door::from_name("Shut")), (Some(Door::Shut), None));
        assert_eq!(Door::ALL.iter().map(|door| door.is_reached()).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!(serde_json::to_value(Door::Open).ok(), Some(serde_json::json!("open")));
        assert_eq!(serde_json::from_str::<Door>("\"revolving\"").ok(), Some(Door::Revolving));
        assert_eq!(
            serde_json::from_str::<Door>("\"ajar\"").expect_err("refused").to_string(),
            "unknown variant `ajar`, expected one of `open`, `shut`, `revolving`"
        );
    }
}
