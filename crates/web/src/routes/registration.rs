//! How endpoints come into the App: which of them answers a path.

use actix_web::web::{self, ServiceConfig};

use super::{Routes, fallback, fits};

impl Routes {
    /// Registers every endpoint, literal paths before those with parameters. A path that stands in a route word for word is no other one's parameter:
    /// what it does not take, it refuses, and the rules of the other one are not asked. Called once per worker.
    pub(crate) fn configure(&self, config: &mut ServiceConfig) {
        let mut ordered: Vec<_> = self.registrations.iter().collect();
        ordered.sort_by_key(|(path, _)| path.split('/').map(|segment| segment.starts_with('{')).collect::<Vec<_>>());
        let (named, others): (Vec<_>, Vec<_>) = ordered.into_iter().partition(|(path, _)| !path.contains('{'));
        for (_, register) in &named {
            register(config);
        }
        for (path, _) in named {
            if others.iter().any(|(template, _)| fits(template, path)) {
                config.service(web::resource(path.as_str()).default_service(web::to(fallback)));
            }
        }
        for (_, register) in others {
            register(config);
        }
    }
}
