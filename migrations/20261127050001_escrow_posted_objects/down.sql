drop function app.take_posted_object(uuid, uuid);
drop table posted_objects;
