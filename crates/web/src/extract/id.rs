//! `Id<T>`: what the path names. A malformed id names nothing, so it is a 404.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev, web};
use serde::de::DeserializeOwned;

use crate::Problem;

/// The path's parameters: `Id(id): Id<TenderId>`, or `Id((project, user)): Id<(ProjectId, UserId)>` in the order of the path.
///
/// It is not called `Path` because utoipa looks into arguments of that name; [`crate::Routes`] documents path parameters by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let path = web::Path::<T>::from_request(request, payload).into_inner();
        ready(path.map(|path| Self(path.into_inner())).map_err(|_| Problem::not_found()))
    }
}
