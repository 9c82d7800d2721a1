//! Projects and their schedules.

use serde_json::{Value, json};

use super::Party;
use crate::world::World;

impl World {
    /// A project.
    pub async fn project(&self, owner: &Party) -> String {
        owner.http.post("/api/projects", json!({"name": "Villa", "currency": "EUR"})).await.expect(201).text("/id")
    }

    /// A frozen schedule: a heading, measured lines at 100 × 12.50 and 40.5 × 20.00, a lump sum of 500.00, a provisional sum of 250.00, an option.
    pub async fn frozen_soq(&self, owner: &Party, project: &str) -> String {
        let soq = owner
            .http
            .post("/api/soq", json!({"projectId": project, "title": "All trades", "lines": schedule()}))
            .await
            .expect(201)
            .text("/id");
        owner.http.act(&format!("/api/soq/{soq}/freeze")).await.expect(200);
        soq
    }
}

/// The lines of [`World::frozen_soq`].
pub fn schedule() -> Value {
    json!([
        {"code": "1", "description": "Works", "kind": "heading"},
        {"code": "1.1", "description": "Excavation", "kind": "measured", "unitCode": "m3", "quantity": "100", "estimateRate": "12.50"},
        {"code": "1.2", "description": "Masonry", "kind": "measured", "unitCode": "m2", "quantity": "40.5", "estimateRate": "20.00"},
        {"code": "1.3", "description": "Site set-up", "kind": "lump_sum", "unitCode": "psch", "quantity": "1", "estimateRate": "500.00"},
        {"code": "1.4", "description": "Connections", "kind": "provisional_defined", "unitCode": "psch", "quantity": "1", "estimateRate": "250.00"},
        {"code": "1.5", "description": "Garden", "kind": "optional", "unitCode": "psch", "quantity": "1", "estimateRate": "900.00"}
    ])
}
