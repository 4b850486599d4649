#!/bin/sh
# Once, when the database is made: who owns the audit trail's tables, and who only reads and appends. Run by PostgreSQL's own image.
set -eu
: "${VREASON_SECRETS:=/run/secrets}"

psql -v ON_ERROR_STOP=1 --no-psqlrc -U "${POSTGRES_USER:-postgres}" -d postgres \
    -v owner_password="$(cat "$VREASON_SECRETS/database_owner")" -v app_password="$(cat "$VREASON_SECRETS/database_app")" <<'SQL'
CREATE ROLE vreason_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE vreason_app LOGIN PASSWORD :'app_password';
CREATE DATABASE vreason OWNER vreason_owner;
REVOKE ALL ON DATABASE vreason FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE vreason TO vreason_app;
\connect vreason
GRANT USAGE, CREATE ON SCHEMA public TO vreason_app;
SQL
