# Uploads what comes through the FIFO, and marks it as whole when the other side says so. What is uploaded of a dump
# that failed has no mark and counts for nothing; the next attempt writes over it.
await "$FLOW/data"
gcloud storage cp --quiet - "gs://$BUCKET/$TARGET" <"$FLOW/data"
await "$FLOW/facts"
echo "$TARGET is whole" | gcloud storage cp --quiet --custom-metadata="$(cat "$FLOW/facts")" - "gs://$BUCKET/$TARGET.ok"
