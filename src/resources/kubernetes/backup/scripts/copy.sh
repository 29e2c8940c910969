# Copies every object of a bucket on the server's side, then lists what there is. The list is the part's content.
began=$(now)
gcloud storage rsync --quiet --recursive "gs://$SOURCE" "gs://$BUCKET/$COPIES"
if ! gcloud storage objects list "gs://$BUCKET/$COPIES/**" --format='value(name,size,crc32c_hash)' \
  >"$FLOW/list" 2>"$FLOW/said"; then
  # Of an empty bucket there is nothing to copy and nothing to list.
  grep -q 'matched no objects' "$FLOW/said" || { cat "$FLOW/said" >&2; exit 1; }
fi
gcloud storage cp --quiet - "gs://$BUCKET/$TARGET" <"$FLOW/list"
sha256=$(sha256sum <"$FLOW/list" | cut -d' ' -f1)
bytes=$(wc -c <"$FLOW/list" | tr -d ' ')
objects=$(wc -l <"$FLOW/list" | tr -d ' ')
echo "$TARGET is whole" | gcloud storage cp --quiet \
  --custom-metadata="sha256=$sha256,bytes=$bytes,objects=$objects,began=$began,ended=$(now)" - "gs://$BUCKET/$TARGET.ok"
