# Downloads a file that somebody made elsewhere, and takes it out of whatever it is packed in.
source() {
  if [ "$ORIGIN" = gdrive ]; then python3 -c "$DRIVE" "$SOURCE"; else gcloud storage cat "$SOURCE"; fi
}
if [ "$ORIGIN" = gcs ] && [ "$SOURCE" = newest ]; then
  SOURCE=$(gcloud storage ls "gs://$BUCKET/backups/**" | sort | tail -n 1)
  if [ -z "$SOURCE" ]; then echo "there is nothing in gs://$BUCKET/backups/ to import" >&2; exit 1; fi
fi
pipe
source | python3 -c "$DECODE" "$FORMAT" "$PART" >"$FLOW/data"
: >"$FLOW/fetched"
await "$FLOW/facts"
