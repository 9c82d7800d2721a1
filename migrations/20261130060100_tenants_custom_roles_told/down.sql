drop policy platform on custom_roles;
revoke select on custom_roles from build14_system;
