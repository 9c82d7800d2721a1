//! How Stripe is asked and how it answers: forms, parameters, pages, amounts, errors. Knows neither sockets nor what there is.

mod call;
mod errors;
pub(crate) mod form;
pub(crate) mod list;
pub(crate) mod metadata;
pub(crate) mod money;
pub(crate) mod params;
mod request;

pub(crate) use call::{Call, Key};
pub(crate) use errors::ApiError;
pub(crate) use request::Request;
