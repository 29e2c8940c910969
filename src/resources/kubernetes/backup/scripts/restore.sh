began=$(date +%s)
load
psql -X -q -c 'ANALYZE' || true
facts "seconds=$(($(date +%s) - began))"
