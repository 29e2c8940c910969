# Puts what comes through the FIFO in place of everything that $OWNER has in $PGDATABASE, in one transaction: a custom
# dump or SQL text. It is committed only when the stream came to its end and nothing failed; else nothing has changed.
content() {
  LC_ALL=C IFS= read -r -N 5 magic <&3 || true
  if [ "$magic" = PGDMP ]; then
    { printf '%s' "$magic"; cat <&3; } | pg_restore --no-owner --no-acl -f -
  else
    printf '%s' "$magic"; cat <&3
  fi
}
script() {
  echo "BEGIN;"
  echo "DROP OWNED BY \"$OWNER\";"
  # The right that db-init gave goes with it.
  echo "GRANT ALL ON SCHEMA public TO \"$OWNER\";"
  if content | LC_ALL=C awk "$FILTER" && arrived; then
    # Where there was nothing for this database, it stays as it is.
    if [ -e "$FLOW/absent" ]; then echo 'ROLLBACK;'; else echo 'COMMIT;'; fi
    return
  fi
  echo 'ROLLBACK;'
  echo 'the content did not arrive whole: nothing was changed' >&2
  return 1
}
arrived() {
  for _ in $(seq 300); do
    if [ -e "$FLOW/fetched" ]; then return 0; fi
    if [ -e "$FLOW/failed" ]; then return 1; fi
    sleep 0.2
  done
  return 1
}
load() {
  await "$FLOW/data"
  exec 3<"$FLOW/data"
  script | psql -X -q -v ON_ERROR_STOP=1 >/dev/null
}
