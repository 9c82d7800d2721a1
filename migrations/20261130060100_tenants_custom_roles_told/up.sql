-- Tokens for other services tell what a person's roles are called, before there is a tenant.
call app.open_to_system('custom_roles', 'select');
