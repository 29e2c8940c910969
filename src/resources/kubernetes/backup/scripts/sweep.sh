# Removes what is left of a backup: the copies first and the first object last, so that what is left of a sweep that
# broke off is found again.
set -euo pipefail
remove() { gcloud storage rm --quiet --recursive "$1" || [ -z "$(gcloud storage ls "$1" 2>/dev/null)" ]; }
remove "gs://$BUCKET/$COPIES/**"
for object in $(gcloud storage ls "gs://$BUCKET/$SLOT/**" | grep -v '/begun\.json$' || true); do
  gcloud storage rm --quiet "$object"
done
remove "gs://$BUCKET/$SLOT/**"
