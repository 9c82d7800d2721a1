//! Who asks, as the services are told.

use auth_api::Asking;
use kernel::{SessionId, UserId};
use mail_api::Language;
use web::{CurrentSession, RequestInfo};

/// Who asks, and how they are written to.
pub(super) fn asking(info: &RequestInfo, language: Language) -> Asking<'_> {
    Asking { request: &info.request, from: info.address, agent: info.agent.as_deref(), language }
}

/// In which session somebody asks, and whose it is, if they are signed in.
pub(super) fn signed_in(session: Option<CurrentSession>) -> Option<(UserId, SessionId)> {
    session.map(|CurrentSession(session)| (session.user, session.id))
}
