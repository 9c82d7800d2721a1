//! The OpenAPI document of these endpoints.

use web::Routes;

#[test]
fn every_endpoint_of_the_contract_is_there_with_its_guard() {
    let mut routes = Routes::new();
    escrow::routes(&mut routes);
    assert_eq!(routes.conflicts(), Vec::<String>::new());
    let listed: Vec<_> =
        routes.catalogue().iter().map(|route| format!("{} {} {}", route.method, route.path, route.guard)).collect();
    let party = "party: the contract's owner with contracts.sign_owner, or its contractor with contracts.sign_contractor";
    let either = "party: the contract's owner or its contractor, with contracts.terminate";
    assert_eq!(
        listed,
        [
            "GET /api/contracts permission contracts.read",
            "GET /api/contracts/{id} permission contracts.read",
            "POST /api/contracts/{id}/complete permission contracts.complete",
            "GET /api/contracts/{id}/document permission contracts.read",
            &format!("POST /api/contracts/{{id}}/sign {party}"),
            "GET /api/contracts/{id}/statement permission statement.read",
            &format!("POST /api/contracts/{{id}}/terminate {either}"),
            &format!("POST /api/contracts/{{id}}/withdraw-termination {either}"),
            "GET /api/escrow permission escrow.read",
            "POST /api/escrow permission milestones.fund",
            "GET /api/escrow/{id} permission escrow.read",
            "POST /api/escrow/{id}/release permission escrow.release",
            "GET /api/milestones/{id} permission milestones.read",
            "POST /api/milestones/{id}/approve permission milestones.approve",
            "POST /api/milestones/{id}/request-changes permission milestones.request_changes",
            "POST /api/milestones/{id}/submit permission milestones.submit_work",
            "GET /api/payee-account permission payee_account.read",
            "POST /api/payee-account permission payee_account.manage",
        ]
    );
}
