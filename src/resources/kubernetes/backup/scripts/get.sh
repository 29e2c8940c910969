# Downloads a part: once to see that it is what was written, once for the other side. `fetched` tells the other side
# that the stream ended because it was over and not because it broke.
whole=$(gcloud storage cat "gs://$BUCKET/$SOURCE" | sha256sum | cut -d' ' -f1)
if [ "$whole" != "$SHA256" ]; then
  echo "$SOURCE has the checksum $whole, and $SHA256 was written: it is damaged" >&2
  exit 1
fi
pipe
gcloud storage cat "gs://$BUCKET/$SOURCE" >"$FLOW/data"
: >"$FLOW/fetched"
await "$FLOW/facts"
if [ -n "${MARK:-}" ]; then
  echo "$SOURCE was restored on trial" | gcloud storage cp --quiet \
    --custom-metadata="$(cat "$FLOW/facts")" - "gs://$BUCKET/$MARK"
fi
