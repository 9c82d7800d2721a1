//! The OpenAPI document of these endpoints.

use std::collections::HashSet;

use utoipa::openapi::Info;
use web::Routes;

#[test]
fn every_endpoint_of_the_contract_is_there_with_its_permission() {
    let mut routes = Routes::new();
    projects::routes(&mut routes);
    let listed: Vec<_> =
        routes.catalogue().iter().map(|route| format!("{} {} {}", route.method, route.path, route.guard)).collect();
    assert_eq!(
        listed,
        [
            "GET /api/projects permission projects.read",
            "POST /api/projects permission projects.create",
            "DELETE /api/projects/{id} permission projects.delete",
            "GET /api/projects/{id} permission projects.read",
            "PATCH /api/projects/{id} permission projects.update",
            "PUT /api/projects/{id} permission projects.update",
            "GET /api/projects/{id}/members permission projects.members_read",
            "POST /api/projects/{id}/members permission projects.members_manage",
            "DELETE /api/projects/{id}/members/{userId} permission projects.members_manage",
            "PUT /api/projects/{id}/members/{userId} permission projects.members_manage",
            "GET /api/projects/{id}/units permission units.read",
            "POST /api/projects/{id}/units permission units.edit",
            "GET /api/soq permission soq.read",
            "POST /api/soq permission soq.edit",
            "DELETE /api/soq/{id} permission soq.edit",
            "GET /api/soq/{id} permission soq.read",
            "PUT /api/soq/{id} permission soq.edit",
            "POST /api/soq/{id}/freeze permission soq.freeze",
            "POST /api/soq/{id}/versions permission soq.edit",
        ]
    );
}

#[test]
fn the_document_is_whole() {
    let mut routes = Routes::new();
    projects::routes(&mut routes);
    assert_eq!(routes.conflicts(), Vec::<String>::new());
    let document = serde_json::to_value(routes.openapi(Info::new("test", "1"))).unwrap();
    let operations: Vec<_> =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values()).collect();
    let ids: HashSet<_> = operations.iter().map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len(), "every operation has an id of its own");
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is referred to, but not there");
    }
}
