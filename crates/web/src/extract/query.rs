//! `Query<T>`: the query string, checked as a body is: every fault at once, an unknown parameter among them.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::future::{Ready, ready};
use std::sync::{LazyLock, PoisonError, RwLock};

use actix_web::{FromRequest, HttpRequest, dev};
use json_check::Schema;
use kernel::{FieldFault, MOST_FAULTS};
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value, json};
use utoipa::IntoParams;
use utoipa::openapi::Required;

use crate::Problem;
use crate::json::bound_integers;
use crate::values::pattern_text;

/// The query string as a `T`, which derives `Deserialize` and `IntoParams`, enums `#[param(inline)]`. Unknown and repeated parameters are 422, as
/// is what the documentation of a parameter does not allow: all of it at once.
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
    let pairs = pairs(query);
    let faults = faults(&[parameters::<T>()?], &pairs);
    if faults.is_empty() { value_of(&pairs) } else { Err(Problem::invalid(faults)) }
}

pub(super) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The parameters of a query string, as they were given.
pub(super) fn pairs(query: &str) -> Vec<Pair<'_>> {
    form_urlencoded::parse(query.as_bytes()).collect()
}

/// What was given, once nothing is wrong with it.
pub(super) fn value_of<T: DeserializeOwned>(pairs: &[Pair<'_>]) -> Result<T, Problem> {
    let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let given = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(given).map_err(|error: serde_path_to_error::Error<serde_urlencoded::de::Error>| {
        // The documentation allows more than the type does, which is a slip of ours. In whose words the type says so is nobody's to read.
        let detail = "cannot be read: the API document says what it looks like";
        Problem::invalid_at(format!("?{}", error.path()), "INVALID_FORMAT", detail)
    })
}

/// Everything that is wrong with `pairs`, if these are the parameters that there are.
pub(super) fn faults(known: &[&Parameters], pairs: &[Pair<'_>]) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let mut given: Vec<Map<String, Value>> = vec![Map::new(); known.len()];
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in pairs {
        if faults.len() == MOST_FAULTS {
            return faults;
        }
        let mut fault = |code, detail: &str| faults.push(FieldFault::new(format!("?{name}"), code, detail));
        match known.iter().position(|some| some.kinds.iter().any(|(known, _)| known == name)) {
            None => fault("UNKNOWN_PARAMETER", &unknown(known)),
            Some(_) if seen.contains(&&**name) => fault("DUPLICATE", "must be given once"),
            Some(_) if value.contains('\0') => fault("INVALID_CHARACTER", "must not contain the character U+0000"),
            Some(place) => drop(given[place].insert(name.to_string(), known[place].value(name, value))),
        }
        seen.push(name);
    }
    for (some, given) in known.iter().zip(given) {
        let more = some.schema.faults(&Value::Object(given)).into_iter();
        // One that is wrong in itself was not handed to the schema, which would miss it.
        let more = more.map(|fault| FieldFault { pointer: format!("?{}", fault.pointer.trim_start_matches('/')), ..fault });
        let more: Vec<_> = more.filter(|fault| faults.iter().all(|told| told.pointer != fault.pointer)).collect();
        faults.extend(more);
    }
    faults.truncate(MOST_FAULTS);
    faults
}

/// Refuses every parameter: there are none here.
pub(crate) fn refuse_all(query: &str) -> Result<(), Problem> {
    let faults = faults(&[], &pairs(query));
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}

fn unknown(known: &[&Parameters]) -> String {
    let names: Vec<_> = known.iter().flat_map(|some| some.kinds.iter().map(|(name, _)| name.as_str())).collect();
    match names.as_slice() {
        [] => "is not a parameter: there are none here".to_owned(),
        names => format!("is not a parameter: there are {}", names.join(", ")),
    }
}

/// What the text of a parameter stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KindOfValue {
    Text,
    Number,
    Truth,
}

/// The parameters of a type, from its own documentation.
pub(super) struct Parameters {
    kinds: Vec<(String, KindOfValue)>,
    schema: &'static Schema,
}

impl Parameters {
    /// The text as JSON has it, so that the schema can look at it. What is no number stays a text, at which the schema says what was expected.
    fn value(&self, name: &str, text: &str) -> Value {
        let kind = self.kinds.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
        let read = match kind {
            Some(KindOfValue::Number) if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => number(text),
            Some(KindOfValue::Truth) => text.parse().ok().map(Value::Bool),
            _ => None,
        };
        read.unwrap_or_else(|| Value::String(text.to_owned()))
    }
}

fn number(text: &str) -> Option<Value> {
    let whole = text.parse::<i64>().ok().map(Number::from);
    // Too wide for any field: the schema says how wide it may be.
    let wide = || text.bytes().skip(1).all(|byte| byte.is_ascii_digit()).then(|| Number::from_f64(text.parse().ok()?)).flatten();
    whole.or_else(wide).map(Value::Number)
}

static KNOWN: LazyLock<RwLock<HashMap<TypeId, &'static Parameters>>> = LazyLock::new(RwLock::default);

/// The parameters of `T`, compiled once.
///
/// # Errors
/// 500 if their schemas are none, which is a bug of `T`.
pub(super) fn parameters<T: IntoParams + 'static>() -> Result<&'static Parameters, Problem> {
    let key = TypeId::of::<T>();
    if let Some(&known) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(known);
    }
    let compiled = compile::<T>().map_err(|error| {
        tracing::error!(query = std::any::type_name::<T>(), %error, "the schema of a query does not compile");
        Problem::internal()
    })?;
    let leaked: &'static Parameters = Box::leak(Box::new(compiled));
    Ok(KNOWN.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(leaked))
}

fn compile<T: IntoParams>() -> Result<Parameters, String> {
    let (mut kinds, mut properties, mut required) = (Vec::new(), Map::new(), Vec::new());
    for parameter in T::into_params(|| None) {
        let schema = json!(parameter.schema);
        kinds.push((parameter.name.clone(), kind_of(&schema)));
        if matches!(parameter.required, Required::True) {
            required.push(Value::String(parameter.name.clone()));
        }
        properties.insert(parameter.name, schema);
    }
    let mut document = json!({ "type": "object", "properties": properties, "required": required });
    bound_integers(&mut document);
    Ok(Parameters { kinds, schema: Schema::compile(&document, pattern_text)? })
}

fn kind_of(schema: &Value) -> KindOfValue {
    let is = |wanted: &str| match &schema["type"] {
        Value::String(one) => one == wanted,
        Value::Array(several) => several.iter().any(|one| one == wanted),
        _ => false,
    };
    if is("integer") || is("number") {
        KindOfValue::Number
    } else if is("boolean") {
        KindOfValue::Truth
    } else {
        KindOfValue::Text
    }
}
