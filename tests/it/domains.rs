//! What each domain of the server gives to the tests that cross domains: whom it may call, one of each of its things, how each of its routes is
//! called. A domain has a file here, beside its place in [`ALL`]; what it has not got stays out.

mod audit;
mod auth;
mod directory;
mod escrow;
mod mail;
mod projects;
mod tenants;
mod tenders;
mod users;

use std::collections::BTreeMap;

use build14::modules::{self, MODULES};
use futures::future::LocalBoxFuture;
use serde_json::Value;
use web::{Guard, Routes};

use crate::walk::Walk;
use crate::world::{Contract, Party, World};

/// Every domain, each after those whose things it needs for its own.
pub const ALL: &[Domain] = &[
    users::DOMAIN,
    auth::DOMAIN,
    tenants::DOMAIN,
    directory::DOMAIN,
    projects::DOMAIN,
    tenders::DOMAIN,
    escrow::DOMAIN,
    audit::DOMAIN,
    mail::DOMAIN,
];

/// A domain, as the tests that cross domains see it.
pub struct Domain {
    /// As its `MODULE` is named.
    pub name: &'static str,
    /// The domains whose api crates it may call: `architecture::calls_go_one_way`.
    pub calls: &'static [&'static str],
    /// Makes one of each of its things for the scene's owner, through the API: ids for its cases, and a row in each of its tables.
    pub things: for<'a> fn(&'a World, &'a mut Scene) -> LocalBoxFuture<'a, ()>,
    /// Rows that no call makes, as SQL that sees every tenant of the test.
    pub rows: &'static str,
    /// How each of its routes is called, and what strangers and members are answered.
    pub cases: fn(&Scene, &mut Cases),
    /// Calls each of its operations with the example of its body, where those before it have left the world.
    pub walk: fn(&mut Walk) -> LocalBoxFuture<'_, ()>,
}

impl Domain {
    /// A domain of this name that calls nobody and has nothing yet.
    pub const fn named(name: &'static str) -> Self {
        Self { name, calls: &[], things: |_, _| Box::pin(async {}), rows: "", cases: |_, _| {}, walk: |_| Box::pin(async {}) }
    }

    /// Its cases, in a scene with its things.
    fn cases(&self, scene: &Scene) -> Cases {
        let mut cases = Cases::default();
        (self.cases)(scene, &mut cases);
        cases
    }
}

/// A route with a guard, and how it is called.
pub struct Called {
    /// Its method and path.
    pub name: String,
    /// What it asks for.
    pub guard: Guard,
    /// Its method.
    pub method: String,
    /// How it is called.
    pub case: Case,
}

/// Every route of the server but those for everybody, as each domain says that it is called.
///
/// # Panics
/// If a domain has a route without a case, or a case without a route.
pub fn calls(scene: &Scene) -> Vec<Called> {
    let (mut calls, mut wrong) = (Vec::new(), Vec::new());
    for module in modules::all() {
        let file = format!("tests/it/domains/{}.rs", module.name);
        let domain = ALL.iter().find(|domain| domain.name == module.name);
        let mut cases = domain.map(|domain| domain.cases(scene).0).unwrap_or_default();
        let mut routes = Routes::new();
        (module.routes)(&mut routes);
        for route in routes.catalogue().into_iter().filter(|route| route.guard != Guard::Public) {
            let name = format!("{} {}", route.method, route.path);
            match cases.remove(&name) {
                Some(case) => calls.push(Called { name, guard: route.guard, method: route.method.to_string(), case }),
                None => wrong.push(format!("{name} has no case in {file}: say how it is called and what strangers are answered")),
            }
        }
        wrong
            .extend(cases.into_keys().map(|name| format!("{file} has a case of {name}, which is no route of `{}`", module.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    calls
}

/// A tenant with a contract that went all the way, and one of each thing of every domain.
pub struct Scene {
    /// The tenant.
    pub owner: Party,
    /// Who works for it.
    pub contractor: Party,
    /// What they agreed.
    pub contract: Contract,
    ids: BTreeMap<&'static str, String>,
}

impl Scene {
    /// A tenant of this name.
    pub async fn of(world: &World, name: &str) -> Self {
        let (owner, contractor) = (world.register(name).await, world.register("Contractor").await);
        let contract = world.contract(&owner, &contractor).await;
        let mut scene = Self { owner, contractor, contract, ids: BTreeMap::new() };
        for domain in ALL {
            (domain.things)(world, &mut scene).await;
        }
        scene
    }

    /// Keeps the id of a thing for the cases.
    pub fn keep(&mut self, thing: &'static str, id: String) {
        assert!(self.ids.insert(thing, id).is_none(), "two things of the scene are called {thing:?}");
    }

    /// The id of a thing.
    pub fn id(&self, thing: &str) -> &str {
        self.ids.get(thing).unwrap_or_else(|| panic!("the scene has no {thing:?}: `things` of its domain keeps its id"))
    }

    /// The ids that nobody else may be shown. The winning bid's is none: an award tells it.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.values().chain([&self.contract.id, &self.owner.user]).map(String::as_str)
    }
}

/// How one route is called, and what strangers and members may be answered.
pub struct Case {
    /// The path, with real ids of the tenant.
    pub path: String,
    /// A body that would do.
    pub body: Option<Value>,
    /// What another tenant's owner may be answered.
    pub stranger: &'static [u16],
    /// What a member of the tenant may be answered who has no part in any project.
    pub member: &'static [u16],
}

/// The cases of a domain, by method and path.
#[derive(Default)]
pub struct Cases(pub BTreeMap<String, Case>);

impl Cases {
    /// The case of a route.
    pub fn add(
        &mut self,
        route: &str,
        path: impl Into<String>,
        body: Option<Value>,
        stranger: &'static [u16],
        member: &'static [u16],
    ) {
        let again = self.0.insert(route.to_owned(), Case { path: path.into(), body, stranger, member });
        assert!(again.is_none(), "{route} has two cases");
    }
}

/// What is another tenant's is not there.
pub const HIDDEN: &[u16] = &[404];
/// Whoever lacks the permission is told so.
pub const FORBIDDEN: &[u16] = &[403];
/// Lists answer a stranger with its own (empty) list, and whoever may see nothing with nothing.
pub const OWN: &[u16] = &[200];
/// Verbs on oneself or on one's own organisation: they name nobody else, so there is nothing of the tenant to reach.
pub const ONESELF: &[u16] = &[200, 201, 204, 400, 404, 409, 412, 415, 422];

#[test]
fn every_domain_of_the_server_has_its_fixture() {
    for module in MODULES {
        let name = module.name;
        assert!(
            ALL.iter().any(|domain| domain.name == name),
            "`{name}` has no fixture: make tests/it/domains/{name}.rs with its `DOMAIN`, say `mod {name};` in tests/it/domains.rs, and add \
             `{name}::DOMAIN` to `ALL` there"
        );
    }
    for Domain { name, .. } in ALL {
        assert!(
            MODULES.iter().any(|module| module.name == *name),
            "tests/it/domains/{name}.rs is the fixture of no domain: it bears the name of its `MODULE`, which bin/server/src/modules.rs lists"
        );
    }
    assert_eq!(ALL.len(), MODULES.len(), "a domain has one fixture");
}
