# Brings a bucket back to how it was copied. Nothing is deleted: an object that came later is one nobody refers to.
gcloud storage rsync --quiet --recursive "gs://$BUCKET/$COPIES" "gs://$SOURCE"
