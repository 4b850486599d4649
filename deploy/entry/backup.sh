#!/bin/sh
# A backup of databases and artifacts every so often; those older than VREASON_BACKUP_DAYS are removed, the newest never.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

use_role vreason_app database_app
cd "$VREASON_DATA/backups" || exit 1
while :; do
    name=$(date -u +%Y-%m-%dT%H%M%SZ)
    if vreason-track db backup "$name" --artifacts "$VREASON_DATA/artifacts"; then
        find . -mindepth 1 -maxdepth 1 -type d -name '????-??-??T??????Z' ! -name "$name" -mtime "+${VREASON_BACKUP_DAYS:-14}" -exec rm -rf {} +
    else
        echo "no backup was made at $name; it is tried again in ${VREASON_BACKUP_EVERY:-86400} s" >&2
    fi
    sleep "${VREASON_BACKUP_EVERY:-86400}" &
    wait $! # so that the end of the container does not wait for the sleep's
done
