#!/bin/sh
# Runs the configs that are put into queue/, one after the other; then they are in finished/ or failed/, each with its log beside it.
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

MLFLOW_TRACKING_TOKEN=$(cat "$VREASON_SECRETS/runner_token")
export MLFLOW_TRACKING_TOKEN
cd "$VREASON_DATA/runner" || exit 1
mkdir -p queue running finished failed
mv running/*.yaml queue/ 2>/dev/null || : # what a container that ended had begun is continued
while :; do
    config=$(find queue -maxdepth 1 -name '*.yaml' | sort | head -n 1)
    if [ -z "$config" ]; then
        [ "${VREASON_RUNNER_ONCE:-}" ] && exit 0
        sleep 5 &
        wait $!
        continue
    fi
    name=$(basename "$config")
    mv "$config" "running/$name"
    if vreason-track run --config "running/$name" --resume auto >"running/$name.log" 2>&1; then
        to=finished
    else
        to=failed
    fi
    mv "running/$name" "running/$name.log" "$to/"
    echo "$name: $to"
done
