#!/bin/sh
# Two roles from their addresses: the owner of the tables, who migrates, and the app's, who may change no record.
# $1: how to reach the database as its superuser; without it, as PostgreSQL's own image does at its first start.
set -eu
password() { sed 's#^[^:]*://[^:]*:\([^@]*\)@.*#\1#' "/run/secrets/$1"; }
psql --dbname "${1:-user=$POSTGRES_USER dbname=$POSTGRES_DB}" --set ON_ERROR_STOP=1 --quiet \
  --set owner="$(password database_owner_url)" --set app="$(password database_url)" <<'SQL'
CREATE ROLE hq_owner LOGIN PASSWORD :'owner';
CREATE ROLE hq_app LOGIN PASSWORD :'app';
REVOKE ALL ON DATABASE tradinghq FROM PUBLIC;
GRANT CONNECT ON DATABASE tradinghq TO hq_app;
ALTER DATABASE tradinghq OWNER TO hq_owner;
ALTER SCHEMA public OWNER TO hq_owner;
SQL
