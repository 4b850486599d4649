#!/bin/sh
# Signs the audit trail's state, and keeps what it signed in a place of its own. The server never has this key.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

use_role vreason_app database_app
exec vreason-track audit checkpoint --key "$VREASON_SECRETS/audit_key" \
    --every "${VREASON_SIGN_EVERY:-60}" --to "$VREASON_DATA/checkpoints/checkpoints.txt" \
    ${VREASON_CHECKPOINT_URL:+--to "$VREASON_CHECKPOINT_URL"}
