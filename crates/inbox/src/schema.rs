//! The table of this crate, as diesel knows it.

diesel::table! {
    webhook_events (id) {
        id -> Text,
        #[sql_name = "type"]
        name -> Text,
        object_id -> Text,
        account -> Nullable<Text>,
        intent -> Nullable<Text>,
        our_id -> Nullable<Uuid>,
        livemode -> Bool,
        received_at -> Timestamptz,
        processed_at -> Nullable<Timestamptz>,
        waiting_for -> Nullable<Array<Text>>,
    }
}
