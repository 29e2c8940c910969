# Dumps $PGDATABASE: content and census of one snapshot.
began=$(now)
coproc SESSION { exec psql -X -q -t -A -v ON_ERROR_STOP=1; }
exec 4<&"${SESSION[0]}" 5>&"${SESSION[1]}"
ask() {
  echo "$1" >&5
  if ! IFS= read -r -u 4 answer || [ -z "$answer" ]; then echo 'the session with the database ended' >&2; exit 1; fi
}
ask "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot();"
snapshot=$answer
printf '%s\n' "$CENSUS" >&5
census=()
for _ in 1 2 3 4; do ask ''; census+=("$answer"); done
send pg_dump -Fc --snapshot="$snapshot"
echo 'COMMIT;' >&5
facts "sha256=$sha256" "bytes=$bytes" "began=$began" "ended=$(now)" "${census[@]}"
