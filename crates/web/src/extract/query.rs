//! `Query<T>`: the query string, in which an unknown parameter is a fault.

use std::any::TypeId;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::{FromRequest, HttpRequest, dev};
use kernel::{FieldFault, MOST_FAULTS};
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::Problem;

/// The query string as a `T`, which derives `Deserialize` and `IntoParams`. Unknown and repeated parameters are 422.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + IntoParams + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

fn read<T: DeserializeOwned + IntoParams + 'static>(query: &str) -> Result<T, Problem> {
    let mut faults = Vec::new();
    if !query.is_empty() {
        check_names(&known::<T>(), query, &mut faults);
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error: serde_path_to_error::Error<serde_urlencoded::de::Error>| {
        let pointer = format!("?{}", error.path());
        Problem::invalid(vec![FieldFault::new(pointer, "INVALID", error.into_inner().to_string())])
    })
}

/// Notes parameters that are unknown, given twice, or contain what PostgreSQL cannot store.
fn check_names(known: &[String], query: &str, faults: &mut Vec<FieldFault>) {
    let mut seen: Vec<Cow<'_, str>> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if faults.len() == MOST_FAULTS {
            break;
        }
        let pointer = || format!("?{name}");
        if !known.iter().any(|known| *known == name) {
            let detail = if known.is_empty() {
                "is not a parameter: there are none here".to_owned()
            } else {
                format!("is not a parameter: there are {}", known.join(", "))
            };
            faults.push(FieldFault::new(pointer(), "UNKNOWN_PARAMETER", detail));
        } else if seen.contains(&name) {
            faults.push(FieldFault::new(pointer(), "DUPLICATE", "must be given once"));
        } else if value.contains('\0') {
            faults.push(FieldFault::new(pointer(), "INVALID_CHARACTER", "must not contain the character U+0000"));
        }
        seen.push(name);
    }
}

thread_local! {
    static NAMES: RefCell<HashMap<TypeId, Rc<[String]>>> = RefCell::default();
}

/// The names of `T`'s parameters, from its own documentation.
fn known<T: IntoParams + 'static>() -> Rc<[String]> {
    NAMES.with_borrow_mut(|names| {
        let names =
            names.entry(TypeId::of::<T>()).or_insert_with(|| T::into_params(|| None).into_iter().map(|p| p.name).collect());
        Rc::clone(names)
    })
}
