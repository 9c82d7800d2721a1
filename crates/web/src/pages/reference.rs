//! The page at `/docs/` that shows the document: Swagger UI, from this server alone, in our clothes.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{self, ServiceConfig};
use bytes::Bytes;

use super::assets::STYLE;
use super::html::fill;
use super::kept::Kept;
use super::place::serve;
use crate::docs::OPENAPI_PATH;
use crate::routes::only_get;

/// What a browser may load for it: the files of this server, the arrows that Swagger's style sheet has in itself, and the API's answers.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

static VIEWER: LazyLock<Kept> = LazyLock::new(|| of_swagger("swagger-ui-bundle.js", SCRIPT));
static VIEWER_STYLE: LazyLock<Kept> = LazyLock::new(|| of_swagger("swagger-ui.css", CSS));
static OWN_SCRIPT: LazyLock<Kept> = LazyLock::new(|| Kept::new(SCRIPT, include_str!("assets/reference.js")));
static OWN_STYLE: LazyLock<Kept> = LazyLock::new(|| Kept::new(CSS, include_str!("assets/reference.css")));
static PAGE: LazyLock<Kept> = LazyLock::new(|| {
    let places = [
        ("document", OPENAPI_PATH),
        ("style", STYLE.version()),
        ("own_style", OWN_STYLE.version()),
        ("viewer_style", VIEWER_STYLE.version()),
        ("viewer", VIEWER.version()),
        ("script", OWN_SCRIPT.version()),
    ];
    Kept::page(fill(include_str!("assets/reference.html"), &places), POLICY)
});

/// Serves it.
pub fn configure(config: &mut ServiceConfig) {
    config.service(web::resource("/docs").route(web::get().to(to_page)).default_service(web::to(only_get)));
    serve(config, "/docs/", &*PAGE);
    serve(config, "/docs/swagger-ui-bundle.js", &*VIEWER);
    serve(config, "/docs/swagger-ui.css", &*VIEWER_STYLE);
    serve(config, "/docs/reference.js", &*OWN_SCRIPT);
    serve(config, "/docs/reference.css", &*OWN_STYLE);
}

async fn to_page() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// A file of Swagger UI, as it was built in.
fn of_swagger(name: &str, media_type: &'static str) -> Kept {
    let file = utoipa_swagger_ui::serve(name, Arc::default()).ok().flatten();
    let bytes = match file.map(|file| file.bytes) {
        Some(Cow::Borrowed(bytes)) => Bytes::from_static(bytes),
        Some(Cow::Owned(bytes)) => bytes.into(),
        None => Bytes::new(),
    };
    Kept::new(media_type, bytes)
}
