drop function app.raise_alarm;
drop table alarms;
