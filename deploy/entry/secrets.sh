#!/bin/sh
# Makes the secrets that docker-compose.yml names, each once: one that is there stays as it is.
#   sh deploy/entry/secrets.sh FOLDER
set -eu
umask 077
folder=$1
mkdir -p "$folder"
chmod 700 "$folder" # also one that was there, open to others

for name in database_superuser database_owner database_app admin_password session_secret serve_tokens; do
    [ -s "$folder/$name" ] || head -c 24 /dev/urandom | base64 | tr '+/' '-_' >"$folder/$name"
done
[ -e "$folder/runner_token" ] || : >"$folder/runner_token" # from the page Account, or `vreason-track token create`
if [ ! -s "$folder/audit_key" ]; then
    vreason-track audit keygen "$folder/audit_key" --name "${VREASON_LOG_NAME:-vreason-track}" >/dev/null
    mv "$folder/audit_key.pub" "$folder/audit_public_key"
fi
chmod 644 "$folder"/* # the folder is closed to others; inside a container another user reads them
echo "secrets in $folder; the first admin's password is in admin_password"
