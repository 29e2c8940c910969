#!/usr/bin/env bash
# Prints a directory of Google API discovery documents (`<api>.<version>.json`).
#
# They are taken from the Python client, which carries all of them in a wheel
# on the package index: one pinned file instead of a request to each service.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly client=google-api-python-client==2.202.0
readonly documents=(
	cloudbuild.v1 clouddeploy.v1 sqladmin.v1 secretmanager.v1 storage.v1 artifactregistry.v1 compute.v1 container.v1 iam.v1
	cloudresourcemanager.v1 cloudresourcemanager.v3 serviceusage.v1 servicenetworking.v1
	certificatemanager.v1 cloudtasks.v2 pubsub.v1 eventarc.v1 run.v2 cloudscheduler.v1 monitoring.v3
	binaryauthorization.v1 containeranalysis.v1
)

have_all() {
	local name
	for name in "${documents[@]}"; do
		[ -s "$cache_dir/discovery/$name.json" ] || return 1
	done
}

# A wheel is a zip file, and Python is here anyway to run pip.
unpack_documents() {
	local wheel="$1" target="$2"
	python3 - "$wheel" "$target" "${documents[@]}" <<'PYTHON'
import pathlib, sys, zipfile

wheel, target, *names = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in names:
        text = archive.read(f"googleapiclient/discovery_cache/documents/{name}.json")
        pathlib.Path(target, f"{name}.json").write_bytes(text)
PYTHON
}

download_documents() {
	local dir
	dir="$(mktemp -d)"
	# shellcheck disable=SC2064 # the directory's name now, not at the end
	trap "rm -rf -- '$dir'" EXIT
	download_wheel "$dir" "$client"
	mkdir "$dir/documents"
	unpack_documents "$dir"/*.whl "$dir/documents"
	mkdir -p "$cache_dir/discovery"
	cp "$dir/documents"/*.json "$cache_dir/discovery/"
}

main() {
	if ! have_all; then
		lock_cache discovery
		have_all || download_documents
	fi
	printf '%s\n' "$cache_dir/discovery"
}

main
