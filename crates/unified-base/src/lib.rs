//! No code: the manifest asks for the features of other people's crates that kernel, uow and the api crates stand on, as the whole
//! workspace asks for them. Whoever builds one package alone builds no crate again that is there already; why, and what to do when
//! `features::every_selection_of_packages_builds_the_same_crates` complains: docs/decisions/0043-one-set-of-features.md.
