//! Generators make clients from the document, and rules for documents hold: without a failure, and without a warning that has no reason.

use super::peers::{peers, run};
use super::workshop;

/// Warnings of OpenAPI Generator that say nothing of a client's use, and why they are there.
const EXPLAINED: &[(&str, &str)] = &[
    ("OpenAPI 3.1 support is still in beta", "it says so of itself, whatever the document"),
    ("cannot be used as", "what is a reserved word, or no name at all, in a language is called otherwise there"),
    ("Failed to get the schema name: null", "schemas without a name: a decimal that is taken as a string or as a number"),
    (
        "has no effect on schema 'string'",
        "the bounds of such a decimal hold for the number, and are offered to the string as well",
    ),
    ("Codegen property is null", "what may be any JSON, such as a state in the trail, is `Any` in Python"),
    ("Ignoring complex example on request body", "Java's clients show no examples of bodies"),
];

/// Generates a client. Every warning has its reason.
fn generates(language: &str) {
    let Some(peers) = peers(&format!("OpenAPI Generator makes a client for {language}")) else { return };
    let shop = workshop(peers);
    let mut generator = peers.python("openapi-generator-cli");
    generator.args(["generate", "-i", "openapi.json", "-o", "client", "-g", language]).current_dir(&shop);
    let said = run(&mut generator);
    let warns = |line: &&str| line.contains("WARN") || line.contains("ERROR");
    let explained = |line: &&str| EXPLAINED.iter().any(|(warning, _)| line.contains(warning));
    let left: Vec<_> = said.lines().filter(warns).filter(|line| !explained(line)).collect();
    assert!(left.is_empty(), "mend the document, or say why it is so: {left:#?}");
    assert!(shop.path().join("client/.openapi-generator/FILES").is_file(), "a client is made: {said}");
}

#[test]
fn openapi_generator_makes_a_client_for_rust() {
    generates("rust");
}

#[test]
fn openapi_generator_makes_a_client_for_python() {
    generates("python");
}

#[test]
fn openapi_generator_makes_a_client_for_typescript() {
    generates("typescript-fetch");
}

#[test]
fn openapi_generator_makes_a_client_for_java() {
    generates("java");
}

#[test]
fn openapi_generator_makes_a_client_for_go() {
    generates("go");
}

#[test]
fn openapi_generator_finds_nothing_to_say_of_the_document() {
    let Some(peers) = peers("OpenAPI Generator finds the document valid") else { return };
    let said =
        run(peers.python("openapi-generator-cli").args(["validate", "-i", "openapi.json"]).current_dir(workshop(peers).path()));
    assert!(said.contains("No validation issues detected"), "{said}");
}

#[test]
fn hey_api_makes_a_client() {
    let Some(peers) = peers("@hey-api/openapi-ts makes a client") else { return };
    let shop = workshop(peers);
    let said = run(peers.npm("openapi-ts").args(["-i", "openapi.json", "-o", "client"]).current_dir(&shop));
    assert!(said.contains("Done!") && !said.to_lowercase().contains("warn"), "{said}");
    assert!(shop.path().join("client/sdk.gen.ts").is_file(), "{said}");
}

#[test]
fn the_document_keeps_the_rules_of_spectral() {
    let Some(peers) = peers("the document keeps the rules of Spectral") else { return };
    let shop = workshop(peers);
    let mut spectral = peers.npm("spectral");
    spectral.args(["lint", "openapi.json", "--ruleset", "spectral.yaml", "--fail-severity", "hint"]).current_dir(&shop);
    let said = run(&mut spectral);
    assert!(said.contains("No results with a severity of 'hint' or higher found!"), "{said}");
}

#[test]
fn the_document_keeps_the_rules_of_redocly() {
    let Some(peers) = peers("the document keeps the rules of Redocly") else { return };
    let shop = workshop(peers);
    let said = run(peers.npm("redocly").args(["lint", "openapi.json", "--config", "redocly.yaml"]).current_dir(&shop));
    assert!(said.contains("Your API description is valid.") && !said.contains("warning"), "{said}");
}
