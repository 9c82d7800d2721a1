alter function app.session_of_its_connection reset search_path;
drop trigger users_note_sign_on_leaver on users;
drop function app.note_sign_on_leaver();
drop table sign_on_leavers;
