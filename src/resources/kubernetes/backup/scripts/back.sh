# Brings a bucket back to how it was copied. Nothing is deleted: an object that came later is one nobody refers to.
if ! gcloud storage ls "gs://$BUCKET/$COPIES/**" >"$FLOW/list" 2>"$FLOW/said"; then
  # Of an empty bucket there is no copy, and no place that one could be brought back from.
  grep -q 'matched no objects' "$FLOW/said" || { cat "$FLOW/said" >&2; exit 1; }
  exit 0
fi
gcloud storage rsync --quiet --recursive "gs://$BUCKET/$COPIES" "gs://$SOURCE"
