# Restores into a scratch database that lives as long as this, and compares the census with that of the dump.
began=$(date +%s)
login=$PGUSER
as_admin() { PGUSER=$ADMIN PGPASSWORD=$ADMIN_PASSWORD psql -X -q -v ON_ERROR_STOP=1 "$@"; }
drop() { as_admin -d postgres -c "SET client_min_messages = warning" -c "DROP DATABASE IF EXISTS \"$PGDATABASE\" WITH (FORCE)"; }
drop
trap 'code=$?; drop || true; if [ "$code" -ne 0 ]; then : >"$FLOW/failed"; fi' EXIT
as_admin -d postgres -c "CREATE DATABASE \"$PGDATABASE\" OWNER \"$OWNER\" ENCODING 'UTF8' TEMPLATE template0"
for extension in $EXTENSIONS; do as_admin -c "CREATE EXTENSION \"$extension\""; done
PGUSER=$login load
restored=$(psql -X -q -t -A -v ON_ERROR_STOP=1 -c "$CENSUS")
seconds=$(($(date +%s) - began))
same() {
  found=$(printf '%s\n' "$restored" | tr ',' '\n' | sed -n "s/^$1=//p")
  if [ "$found" != "$2" ]; then echo "$1 is ${found:-nothing} after the trial, and was $2 in the backup" >&2; exit 1; fi
}
same tables "$TABLES"
same rows "$ROWS"
same counts_md5 "$COUNTS_MD5"
names() { printf '%s\n' "$1" | tr ' ' '\n' | sed 's/:.*//' | sort | tr '\n' ' '; }
found=$(printf '%s\n' "$restored" | sed -n 's/^extensions=//p')
if [ "$(names "$found")" != "$(names "$EXTENSIONS_WERE")" ]; then
  echo "the extensions are $found after the trial, and were $EXTENSIONS_WERE in the backup" >&2
  exit 1
fi
facts "seconds=$seconds" "rows=$ROWS" "tables=$TABLES"
