//! HTTP conventions of api.md §1 over actix-web.
