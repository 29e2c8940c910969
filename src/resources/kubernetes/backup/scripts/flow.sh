# The two sides of a Job meet in $FLOW, a directory in memory: `data` is a FIFO through which everything streams,
# `facts` is written by the reading side when all of it was right, `failed` by whichever side fails first. Nothing is
# staged on a disk.
set -euo pipefail
ended() {
  code=$?
  if [ "$code" -ne 0 ]; then : >"$FLOW/failed"; fi
}
trap ended EXIT
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }
# Waits for what the other side makes, as long as the other side has not failed.
await() {
  until [ -e "$1" ]; do
    if [ -e "$FLOW/failed" ]; then echo 'the other container failed' >&2; exit 1; fi
    sleep 0.2
  done
}
# A FIFO is opened only when the other side is there, and a failure must be seen before that.
pipe() { mkfifo -m 644 "$FLOW/new" && mv "$FLOW/new" "$FLOW/data"; }
