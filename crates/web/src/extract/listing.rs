//! `Listing<F>`: which part of a list is asked for, and its answer. A cursor belongs to the list and the filter that it was given for.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, dev};
use kernel::{FieldFault, Page, PageRequest, Position};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::Caller;
use super::query::{self, Pair};
use crate::page::{Cursor, DEFAULT_LIMIT, List, ListId, Paging};
use crate::{Problem, Reply};

/// The names of what [`Paging`] documents: everything else is the filter.
const PAGING: [&str; 2] = ["limit", "cursor"];

/// The query of a list: `limit`, `cursor` and the filter `F`, which derives `Deserialize` and `IntoParams` and is documented beside
/// [`Paging`]: `params(ListQuery, Paging)`. A list without filters is a `Listing` alone.
#[derive(Debug)]
pub struct Listing<F = NoFilter> {
    /// What is to be in the list.
    pub filter: F,
    page: PageRequest,
    list: ListId,
}

/// There is nothing to choose by.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

impl IntoParams for NoFilter {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}

impl<F> Listing<F> {
    /// The part that is asked for.
    #[must_use]
    pub fn page(&self) -> PageRequest {
        self.page
    }

    /// The answer with that part.
    pub fn reply<I, T: Serialize>(&self, page: Page<I>, dto: impl FnMut(I) -> T) -> HttpResponse {
        let next_cursor = self.cursor(page.next);
        Reply::ok(&List { next_cursor, data: page.items.into_iter().map(dto).collect::<Vec<_>>() }).response()
    }

    /// The `nextCursor` of a list that has a shape of its own.
    #[must_use]
    pub fn cursor(&self, next: Option<Position>) -> Option<String> {
        next.map(|next| Cursor { list: self.list, after: next }.encode())
    }
}

impl<F: DeserializeOwned + IntoParams + 'static> FromRequest for Listing<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(read(request))
    }
}

fn read<F: DeserializeOwned + IntoParams + 'static>(request: &HttpRequest) -> Result<Listing<F>, Problem> {
    let pairs = query::pairs(request.query_string());
    let mut faults = query::faults(&[query::parameters::<F>()?, query::parameters::<Paging>()?], &pairs);
    let (paging, filter): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| PAGING.contains(&&**name));
    let given = paging.iter().find(|(name, _)| name == "cursor");
    let cursor = given.map(|(_, cursor)| Cursor::decode(cursor));
    if matches!(cursor, Some(None)) && faults.iter().all(|fault| fault.pointer != "?cursor") {
        faults.push(FieldFault::new("?cursor", "INVALID_FORMAT", "must be the `nextCursor` of the page before, unchanged"));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let list = list_of(request, &filter);
    let cursor = cursor.flatten();
    if cursor.is_some_and(|cursor| cursor.list != list) {
        let detail = "this cursor is of another list, or of this one with another filter: begin again without it";
        return Err(Problem::malformed("CURSOR_OF_ANOTHER_LIST", detail));
    }
    let Paging { limit, .. } = query::value_of(&paging)?;
    let page = PageRequest { limit: limit.unwrap_or(DEFAULT_LIMIT), after: cursor.map(|cursor| cursor.after) };
    Ok(Listing { filter: query::value_of(&filter)?, page, list })
}

/// Which list this is: its path, whose it is, and by what it is chosen, in whatever order that is written.
fn list_of(request: &HttpRequest, filter: &[Pair<'_>]) -> ListId {
    let whose = request.extensions().get::<Caller>().and_then(|caller| caller.live().map(|known| known.org().to_string()));
    let mut filter: Vec<[&str; 2]> = filter.iter().map(|(name, value)| [&**name, &**value]).collect();
    filter.sort_unstable();
    let mut digest = Sha256::new();
    // Lengths first, so that no part can pass for another.
    for part in
        [request.match_info().as_str(), whose.as_deref().unwrap_or_default()].into_iter().chain(filter.into_iter().flatten())
    {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut list = ListId::default();
    let length = list.len();
    list.copy_from_slice(&digest.finalize()[..length]);
    list
}
