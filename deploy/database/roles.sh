#!/bin/sh
# Once, when the database is made: who owns the audit trail's tables, and who only reads and appends. Run by PostgreSQL's own image.
set -eu
: "${VREASON_SECRETS:=/run/secrets}"

export VREASON_SECRETS

# psql reads the passwords itself: as arguments they would stand in the list of processes.
psql -v ON_ERROR_STOP=1 --no-psqlrc -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
\set owner_password `cat "$VREASON_SECRETS/database_owner"`
\set app_password `cat "$VREASON_SECRETS/database_app"`
CREATE ROLE vreason_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE vreason_app LOGIN PASSWORD :'app_password';
CREATE DATABASE vreason OWNER vreason_owner;
REVOKE ALL ON DATABASE vreason FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE vreason TO vreason_app;
\connect vreason
GRANT USAGE, CREATE ON SCHEMA public TO vreason_app;
SQL
