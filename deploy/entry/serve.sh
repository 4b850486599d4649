#!/bin/sh
# A registered bundle over HTTP; what its alias points to is swapped in while it runs.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

MLFLOW_TRACKING_TOKEN=$(cat "$VREASON_SECRETS/runner_token")
export MLFLOW_TRACKING_TOKEN
exec vreason-track model serve "$VREASON_MODEL" --host "${VREASON_HOST:-0.0.0.0}" --port "${VREASON_PORT:-8000}" \
    --token-file "$VREASON_SECRETS/serve_tokens" --watch "${VREASON_WATCH:-30}" --journal "$VREASON_DATA/journal"
