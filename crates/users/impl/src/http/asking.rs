//! Who asks, as the services are told.

use auth_api::Asking;
use mail_api::Language;
use web::RequestInfo;

/// Who asks, and how they are written to.
pub(super) fn asking(info: &RequestInfo, language: Language) -> Asking<'_> {
    Asking { request: &info.request, from: info.address, agent: info.agent.as_deref(), language }
}
