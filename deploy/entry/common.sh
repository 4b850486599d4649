# shellcheck shell=sh
# What every service's script begins with: where things are, and how the databases are reached. Sourced, not run.
set -eu

: "${VREASON_SECRETS:=/run/secrets}" "${VREASON_DATA:=/srv}"
: "${PGHOST:=db}" "${PGPORT:=5432}" "${PGDATABASE:=vreason}"

# The password of a role goes into a file that libpq reads: in an address it would stand in the list of processes.
use_role() {
    role=$1
    PGPASSFILE=$(mktemp)
    export PGPASSFILE
    printf '%s:%s:%s:%s:%s\n' "$PGHOST" "$PGPORT" "$PGDATABASE" "$role" \
        "$(sed 's/[\\:]/\\&/g' "$VREASON_SECRETS/$2")" >"$PGPASSFILE"
    VREASON_DATABASE="postgresql://$role@$PGHOST:$PGPORT/$PGDATABASE"
    export VREASON_DATABASE
}
