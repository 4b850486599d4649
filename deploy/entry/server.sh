#!/bin/sh
# MLflow's server with the audit trail, users and pages.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

use_role vreason_app database_app
MLFLOW_FLASK_SERVER_SECRET_KEY=$(cat "$VREASON_SECRETS/session_secret")
export MLFLOW_FLASK_SERVER_SECRET_KEY
export VREASON_AUDIT_PUBLIC_KEY="${VREASON_AUDIT_PUBLIC_KEY:-$VREASON_SECRETS/audit_public_key}"

# The names by which it may be asked: by services beside it, by this machine, and by those that are given.
hosts="server:*,localhost:*,127.0.0.1:*,localhost,127.0.0.1${VREASON_ALLOWED_HOSTS:+,$VREASON_ALLOWED_HOSTS}"

exec vreason-track server --users \
    --backend-store-uri "$VREASON_DATABASE" --artifacts-destination "$VREASON_DATA/artifacts" \
    --host "${VREASON_HOST:-0.0.0.0}" --port "${VREASON_PORT:-5000}" --workers "${VREASON_WORKERS:-2}" \
    --allowed-hosts "$hosts"
