//! What people see: the page at `/`, the reference at `/docs/`, the page where nothing is, those to which the links of mails lead
//! ([`FormPage`], filled by a domain), and what browsers ask for by themselves.
//!
//! A page is for whoever prefers HTML, as a browser does that goes to an address; everybody else has JSON. Pages load nothing from elsewhere, run
//! no script but files of this server (the reference's, those of an [`ActingPage`], and of an [`Offer`] beside a form), and escape whatever is put into them.

mod accept;
mod acting;
mod assets;
mod form;
mod home;
mod html;
mod kept;
pub(crate) mod missing;
mod offer;
mod place;
mod reference;
mod script;

use actix_web::web::ServiceConfig;

pub use acting::ActingPage;
pub use form::{Form, FormPage, LinkPage};
pub use home::{Development, Login, Place};
pub(crate) use kept::Kept;
pub use offer::Offer;
pub(crate) use place::serve;
pub use script::Script;

/// Serves the pages; the reference only where the document is served.
pub(crate) fn configure(config: &mut ServiceConfig, development: Option<&Development>, documented: bool) {
    home::configure(config, development, documented);
    serve(config, "/pages.css", &*assets::STYLE);
    serve(config, "/favicon.svg", &*assets::ICON);
    serve(config, "/favicon.ico", &*assets::OLD_ICON);
    serve(config, "/robots.txt", &*assets::ROBOTS);
    if documented {
        reference::configure(config);
    }
}
