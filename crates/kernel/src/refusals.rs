//! `refusals!`: what every domain refuses, written once, beside the table of what one domain refuses besides.

/// Makes the error enum of a domain. Every one has what all domains refuse: `NotFound`, `State`, `Stale`, `Invalid`, `Denied` and `Fault`. A row
/// is a variant of its own: what it says (by `thiserror`, which the caller derives), its [`Kind`](crate::Kind), its permanent code and, of a
/// conflict, the state that is in the way. What depends on the values of a variant stands below the enum: arms of that method of
/// [`DomainError`](crate::DomainError), in the order of the trait.
#[macro_export]
macro_rules! refusals {
    (
        $(#[$($meta:tt)*])*
        $vis:vis enum $error:ident {
            $(
                $(#[$($about:tt)*])*
                $own:ident $(($($tuple:tt)*))? $({$($named:tt)*})? = $kind:ident($code:expr $(, $state:expr)?),
            )*
        }
        $(fields { $($fields:tt)* })?
        $(current_state { $($current_state:tt)* })?
        $(extra { $($extra:tt)* })?
        $(retry_after { $($retry_after:tt)* })?
        $(spent { $($spent:tt)* })?
    ) => {
        $(#[$($meta)*])*
        $vis enum $error {
            $($(#[$($about)*])* $own $(($($tuple)*))? $({$($named)*})?,)*
            /// No such thing here, or another organisation's.
            #[error("there is no such {0}")]
            NotFound(&'static str),
            /// Its state does not allow it.
            #[error("the {what} is {state}: {hint}")]
            State {
                /// What it is.
                what: &'static str,
                /// Its state.
                state: ::std::borrow::Cow<'static, str>,
                /// What would have to be, or what to do.
                hint: ::std::borrow::Cow<'static, str>,
            },
            /// It is not as it was when the caller read it.
            #[error("the resource changed since you read it: read it again and repeat the change")]
            Stale,
            /// Faults of the input.
            #[error("the input is invalid")]
            Invalid(Vec<$crate::FieldFault>),
            /// The permission is missing.
            #[error("{0}")]
            Denied($crate::Denied),
            /// Nobody's fault.
            // Not `transparent`: what `thiserror` makes of that word is not found when a macro wrote it.
            #[error("{0}")]
            Fault(#[from] $crate::Fault),
        }

        impl $error {
            /// Its state does not allow it: what is in which state, and what would have to be.
            pub fn state(
                what: &'static str,
                state: impl Into<::std::borrow::Cow<'static, str>>,
                hint: impl Into<::std::borrow::Cow<'static, str>>,
            ) -> Self {
                Self::State { what, state: state.into(), hint: hint.into() }
            }

            /// A single fault of the input.
            pub fn invalid(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
                Self::Invalid(vec![$crate::FieldFault::new(pointer, code, detail)])
            }
        }

        impl From<$crate::Denied> for $error {
            fn from(denied: $crate::Denied) -> Self {
                Self::Denied(denied)
            }
        }

        impl $crate::DomainError for $error {
            fn kind(&self) -> $crate::Kind {
                match self {
                    $(Self::$own { .. } => $crate::Kind::$kind,)*
                    Self::NotFound(_) => $crate::Kind::NotFound,
                    Self::State { .. } => $crate::Kind::Conflict,
                    Self::Stale => $crate::Kind::Stale,
                    Self::Invalid(_) => $crate::Kind::Invalid,
                    Self::Denied(_) => $crate::Kind::Forbidden,
                    Self::Fault(fault) => $crate::DomainError::kind(fault),
                }
            }

            fn code(&self) -> &'static str {
                match self {
                    $(Self::$own { .. } => $code,)*
                    Self::NotFound(_) => "NOT_FOUND",
                    Self::State { .. } => "STATE_CONFLICT",
                    Self::Stale => "PRECONDITION_FAILED",
                    Self::Invalid(_) => "INVALID",
                    Self::Denied(_) => "PERMISSION_DENIED",
                    Self::Fault(fault) => $crate::DomainError::code(fault),
                }
            }

            fn fields(&self) -> Vec<$crate::FieldFault> {
                match self {
                    Self::Invalid(faults) => faults.clone(),
                    $($($fields)*)?
                    _ => Vec::new(),
                }
            }

            fn current_state(&self) -> Option<String> {
                match self {
                    Self::State { state, .. } => Some(state.clone().into_owned()),
                    $($($current_state)*)?
                    $($(Self::$own { .. } => Some(String::from($state)),)?)*
                    _ => None,
                }
            }

            fn denied(&self) -> Option<&$crate::Denied> {
                if let Self::Denied(denied) = self { Some(denied) } else { None }
            }

            $(fn extra(&self) -> Vec<(&'static str, String)> {
                match self { $($extra)* _ => Vec::new() }
            })?

            $(fn retry_after(&self) -> Option<::std::time::Duration> {
                match self { $($retry_after)* _ => None }
            })?

            $(fn spent(&self) -> Option<$crate::Spent> {
                match self { $($spent)* _ => None }
            })?

            fn fault(&self) -> Option<&$crate::Fault> {
                if let Self::Fault(fault) = self { Some(fault) } else { None }
            }
        }
    };
}
