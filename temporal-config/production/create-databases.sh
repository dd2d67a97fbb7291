#!/bin/sh
# Makes Temporal's two databases on PostgreSQL, or brings their tables to the version of temporal-sql-tool: before the first start, and
# before a new version of the server. It may be run again at any time. The role needs CREATEDB for the first time alone.
set -eu
: "${POSTGRES_PASSWORD:?the password of the PostgreSQL role}"
tool=${TEMPORAL_SQL_TOOL:-temporal-sql-tool}
export SQL_PLUGIN=postgres12 SQL_PASSWORD="$POSTGRES_PASSWORD"
export SQL_HOST="${POSTGRES_HOST:-127.0.0.1}" SQL_PORT="${POSTGRES_PORT:-5432}" SQL_USER="${POSTGRES_USER:-temporal}"
if [ -n "${POSTGRES_CA_FILE:-}" ]; then
  export SQL_TLS=true SQL_TLS_CA_FILE="$POSTGRES_CA_FILE" SQL_TLS_SERVER_NAME="$SQL_HOST"
fi

ready() {
  SQL_DATABASE=$1 "$tool" create-database
  SQL_DATABASE=$1 "$tool" setup-schema -v 0.0
  SQL_DATABASE=$1 "$tool" update-schema -s "postgresql/v12/$2"
}
ready "${POSTGRES_DATABASE:-temporal}" temporal
ready "${POSTGRES_VISIBILITY_DATABASE:-temporal_visibility}" visibility
