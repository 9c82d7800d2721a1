//! Lists are named after what they list: utoipa calls a `List<Project>` `List_Project`, the document `ProjectList`.

use utoipa::openapi::RefOr;
use utoipa::openapi::path::Operation;

const REFERENCE: &str = "#/components/schemas/";

/// What the document calls the schema that utoipa calls this.
pub fn name(schema: &str) -> String {
    schema.strip_prefix("List_").map_or_else(|| schema.to_owned(), |item| format!("{item}List"))
}

/// Makes the answers of an operation refer to their lists by these names.
pub fn refer(operation: &mut Operation) {
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        for content in response.content.values_mut() {
            if let RefOr::T(content) = content
                && let Some(RefOr::Ref(reference)) = &mut content.schema
                && let Some(schema) = reference.ref_location.strip_prefix(REFERENCE)
            {
                reference.ref_location = format!("{REFERENCE}{}", name(schema));
            }
        }
    }
}
