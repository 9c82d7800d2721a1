alter table webhook_events drop column waiting_for;
