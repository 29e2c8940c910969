#!/usr/bin/env bash
# Makes sure that a PostgreSQL is there whose sessions start fast.
#
# A login costs a process. Debian's server links with forty libraries, all of
# which each new process maps and unmaps; this build links with the C library
# alone, and takes half as many logins again a second. Only the test that wants
# as many as the machine can do uses it: what Dify runs on is PostgreSQL 15.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly wheel=pgserver==0.1.4
readonly sum=d595789b47624a3d963aa9aa6359da9be31beb7e61f1a45541953242068b8813
# tests/support/postgres.rs looks there.
readonly target="$cache_dir/lean-postgres"

unpack() {
	local dir="$1"
	printf '%s  %s\n' "$sum" "$dir"/*.whl | sha256sum --check --quiet >&2 || die "$wheel is not what it was"
	python3 -m zipfile -e "$dir"/*.whl "$dir/unpacked"
	# A zip file does not say what can be run.
	chmod +x "$dir"/unpacked/pgserver/pginstall/bin/{postgres,initdb}
	rm -rf "$target"
	mv "$dir/unpacked" "$target"
}

main() {
	if [ "$(uname -m)" != x86_64 ]; then
		note "there is none for $(uname -m): PostgreSQL 15 takes its place"
		return
	fi
	if [ ! -d "$target" ]; then
		lock_cache lean-postgres
		# Beside its place: what is moved there is whole.
		dir="$(mktemp -d "$cache_dir/.lean-postgres.XXXXXX")"
		trap 'rm -rf -- "$dir"' EXIT
		# Asked again: the run we waited for may have done the work.
		if [ ! -d "$target" ]; then
			download_wheel "$dir" "$wheel" --python-version 3.11 --platform manylinux2014_x86_64
			unpack "$dir"
		fi
	fi
	printf '%s\n' "$target"
}

main
