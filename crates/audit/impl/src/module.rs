//! How this domain offers itself to the server.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use audit_api::{Audit, Proof, perm};
use jobs::Registry;
use module::{Checkup, Finding, Module, Wired};
use uow::SystemUow;

use crate::{Service, Settings, http, sign_heads, verify_all};

/// The audit trail.
pub const MODULE: Module = Module {
    permissions: perm::ALL,
    settings: |reader| {
        Settings::read(reader);
    },
    routes: http::routes,
    rules: &["AUDIT_CHAIN_BROKEN"],
    doctor,
    ..Module::named("audit")
};

impl Wired for Service {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self.clone() as Arc<dyn Audit>)).app_data(Data::from(self as Arc<dyn Proof>));
    }

    fn register(self: Arc<Self>, registry: &mut Registry) {
        let Some(signing) = self.signing() else { return };
        registry.every("audit.sign_heads", signing.every, &signing, |signing| async move {
            sign_heads(&signing.system, &signing.signer).await.map(drop)
        });
    }
}

fn doctor(system: &SystemUow) -> Checkup<'_> {
    Box::pin(async {
        let mut findings = Vec::new();
        for chain in verify_all(system).await? {
            if let Some(place) = chain.verification.broken_at {
                let what = format!("the chain of this organisation is broken at entry {place}");
                findings.push(Finding::new("AUDIT_CHAIN_BROKEN", chain.org, what));
            }
        }
        Ok(findings)
    })
}
