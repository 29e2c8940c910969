#!/usr/bin/env bash
# Fuzzes what arrives: each target for some seconds, from the samples in events/.
#
#   tests/support/fuzz.sh [SECONDS a target, 30 by default]
#
# A crash leaves its input in fuzz/artifacts/ and fails. What was learnt stays in fuzz/corpus/ for the next run.
set -euo pipefail
# shellcheck source=tests/support/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly version=0.13.2
readonly seconds="${1:-30}"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
readonly root

# The tool itself, kept beside the other things that tests need.
find_cargo_fuzz() {
	command -v cargo-fuzz && return
	local place="$cache_dir/cargo-fuzz"
	if [ ! -x "$place/bin/cargo-fuzz" ]; then
		cargo install --quiet --locked --root "$place" "cargo-fuzz@$version" >&2
	fi
	printf '%s\n' "$place/bin/cargo-fuzz"
}

# Each sample as the targets take it: headers, an empty line, the body; and a byte for the mode before a CloudEvent.
write_seeds() {
	python3 - "$root/events" "$root/fuzz/corpus" <<'PYTHON'
import hashlib, json, pathlib, sys

samples, corpus = map(pathlib.Path, sys.argv[1:])
envelopes, events = corpus / "envelope", corpus / "cloud_event"
for folder in envelopes, events:
    folder.mkdir(parents=True, exist_ok=True)

def seed(folder, content):
    (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)

count = 0
for path in sorted(samples.glob("*/*.json")):
    if path.name == "schema.json":
        continue
    sample = json.loads(path.read_text())
    headers, body = sample["headers"], sample["body"]
    body = (body if isinstance(body, str) else json.dumps(body)).encode()
    head = "".join(f"{name}: {value}\n" for name, value in headers.items()).encode()
    seed(envelopes, head + b"\n" + body)
    kind = {k.lower(): v for k, v in headers.items()}.get("content-type", "")
    mode = 1 if "batch" in kind else 0 if "cloudevents" in kind else 2
    for byte in {mode, 2, 3, 4}:
        seed(events, bytes([byte]) + body)
    count += 1
assert count > 30, f"only {count} samples were found"
PYTHON
}

fuzz() {
	"$cargo_fuzz" run --fuzz-dir fuzz --sanitizer none "$1" -- \
		-max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1
}

main() {
	local cargo_fuzz
	command -v python3 >/dev/null || install_packages python3
	cargo_fuzz="$(find_cargo_fuzz)"
	cd "$root"
	write_seeds
	# Coverage is measured by flags that the stable compiler knows; only their names are guarded.
	export RUSTC_BOOTSTRAP=1
	"$cargo_fuzz" build --fuzz-dir fuzz --sanitizer none
	# Side by side: each keeps one core busy.
	fuzz envelope &
	local envelope=$! code=0
	fuzz cloud_event || code=$?
	wait "$envelope" || code=$?
	return "$code"
}

main
