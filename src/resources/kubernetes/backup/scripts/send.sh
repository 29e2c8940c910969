# Streams what $produce writes through the FIFO, and notes checksum and size on the way. That it ended well is told by
# `facts`, which is written last: a dump that broke off never gets its mark, whatever was uploaded of it.
send() {
  mkfifo -m 600 "$FLOW/sum" "$FLOW/size"
  sha256sum <"$FLOW/sum" >"$FLOW/sha256" &
  sum=$!
  wc -c <"$FLOW/size" >"$FLOW/bytes" &
  size=$!
  pipe
  "$@" | tee "$FLOW/sum" "$FLOW/size" >"$FLOW/data"
  wait "$sum" "$size"
  sha256=$(cut -d' ' -f1 "$FLOW/sha256")
  bytes=$(tr -d ' ' <"$FLOW/bytes")
}
# facts NAME=VALUE…: one line, as gcloud takes metadata.
facts() {
  line=$(printf ',%s' "$@")
  printf '%s\n' "${line#,}" >"$FLOW/facts.new"
  mv "$FLOW/facts.new" "$FLOW/facts"
  echo "${line#,}"
}
