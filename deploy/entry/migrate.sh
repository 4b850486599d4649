#!/bin/sh
# Once at every start, before the others: tables up to date, the server's role with its rights, the first admin.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

use_role vreason_owner database_owner
vreason-track db upgrade --grant-to vreason_app

use_role vreason_app database_app
tables=$(psql -h "$PGHOST" -p "$PGPORT" -U vreason_app -d "$PGDATABASE" -tAc "SELECT to_regclass('public.alembic_version') IS NOT NULL")
if [ "$tables" = t ]; then # an empty database is left to the server, which knows where it keeps artifacts
    mlflow db upgrade "$VREASON_DATABASE"
fi

admins=$(vreason-track user list --backend-store-uri "$VREASON_DATABASE" --json |
    python -c 'import json, sys; print(sum(user["role"] == "admin" for user in json.load(sys.stdin)["users"]))')
if [ "$admins" = 0 ]; then
    vreason-track user add "${VREASON_ADMIN:-admin}" --role admin --password-file "$VREASON_SECRETS/admin_password" \
        --backend-store-uri "$VREASON_DATABASE"
fi
