//! What a support session may ask for: to read what is listed for it, and nothing else.

use actix_web::http::Method;

use super::instruments::SEALED;
use crate::{Guard, Routes};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// What anybody is answered, signed in or not.
    Nothing,
    /// What the organisation's own people read, as far as support has the permission ([`Routes::is_for_support`]).
    Reading,
    /// Whatever else there is.
    Other,
}

/// What is asked for by this method of this route, if it is one. What is not in the catalogue, such as a page, is for people.
pub fn asked(routes: &Routes, method: &Method, route: Option<&str>) -> Asked {
    if *method != Method::GET {
        return Asked::Other;
    }
    let Some(route) = route else { return Asked::Nothing };
    match routes.guard_of(method, route) {
        Some(Guard::Public) => Asked::Nothing,
        _ if routes.is_for_support(method, route) => Asked::Reading,
        _ => Asked::Other,
    }
}

/// As what it is noted: of sealed routes nobody is told which, and however many methods and paths are made up, there are few of these.
pub fn named(method: &Method, route: &str, sealed: bool) -> String {
    if sealed {
        return SEALED.to_owned();
    }
    let usual = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS].contains(method);
    format!("{} {route}", if usual { method.as_str() } else { "other" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_up_is_one_name() {
        let invented = Method::from_bytes(b"INVENTED").unwrap_or_default();
        assert_eq!(named(&Method::GET, "/api/users/{id}", false), "GET /api/users/{id}");
        assert_eq!(named(&invented, "none", false), "other none");
        assert_eq!(named(&Method::GET, "/api/bids/{id}", true), "sealed");
    }

    #[test]
    fn what_no_route_answers_is_nobodys_and_nothing_is_written() {
        let routes = Routes::new();
        assert_eq!(asked(&routes, &Method::GET, None), Asked::Nothing);
        assert_eq!(asked(&routes, &Method::GET, Some("/dev/mailbox")), Asked::Other);
        for method in [Method::POST, Method::DELETE, Method::OPTIONS] {
            assert_eq!(asked(&routes, &method, None), Asked::Other);
        }
    }
}
