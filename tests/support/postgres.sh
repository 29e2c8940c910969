#!/usr/bin/env bash
# Makes sure that PostgreSQL 15 and its `vector` extension are installed.
#
# Debian 12 carries PostgreSQL 15 but no pgvector for it, and the next release
# carries pgvector for another PostgreSQL only. So the extension is built from
# that release's source package. Needs root only when something is missing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly pg_major=15
readonly pgvector_suite=trixie
readonly pgvector_version=0.8.0-1
readonly pg_bin="/usr/lib/postgresql/$pg_major/bin"

have_server() { [ -x "$pg_bin/initdb" ] && [ -x "$pg_bin/postgres" ]; }

have_vector() {
	[ -x "$pg_bin/pg_config" ] && [ -e "$("$pg_bin/pg_config" --sharedir)/extension/vector.control" ]
}

# The mirror this machine's own Debian release comes from, so that a machine
# with a mirror of its own keeps to it. `--print-uris` asks no server.
debian_mirror() {
	local codename mirror
	codename="$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")"
	mirror="$(apt-get update --print-uris | sed -n "s|^'\(.*\)/dists/$codename/InRelease'.*|\1|p" | sed -n 1p)"
	[ -n "$mirror" ] || die "no apt source for Debian $codename"
	printf '%s' "$mirror"
}

# apt with one source of its own, which never shows in /etc: left there, it
# would make every later `apt-get update` on the machine load it.
private_apt() {
	local dir="$1"
	shift
	apt-get -qq \
		-o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache" \
		-o APT::Sandbox::User="$(id -un)" "$@" >&2
}

download_source() {
	local dir="$1" mirror
	mirror="$(debian_mirror)"
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	printf 'deb-src %s %s main\n' "$mirror" "$pgvector_suite" >"$dir/sources.list"
	private_apt "$dir" update
	(cd "$dir" && private_apt "$dir" source --download-only "pgvector=$pgvector_version")
}

# The upstream archive alone: Debian's patches are about packaging.
# OPTFLAGS: the default, -march=native, would tie the build to this processor.
# with_llvm=no: bitcode helps only with inlining by the JIT, and needs clang.
build_vector() {
	local dir="$1"
	mkdir "$dir/source"
	tar -xf "$dir"/pgvector_*.orig.tar.* -C "$dir/source" --strip-components=1
	make -s -C "$dir/source" PG_CONFIG="$pg_bin/pg_config" OPTFLAGS="" with_llvm=no >&2
	as_root make -s -C "$dir/source" PG_CONFIG="$pg_bin/pg_config" OPTFLAGS="" with_llvm=no install
}

install_vector() {
	local dir
	install_packages ca-certificates debian-archive-keyring gcc libc6-dev make "postgresql-server-dev-$pg_major"
	dir="$(mktemp -d)"
	# shellcheck disable=SC2064 # the directory's name now, not at the end
	trap "rm -rf -- '$dir'" EXIT
	note "building pgvector $pgvector_version for PostgreSQL $pg_major"
	download_source "$dir"
	build_vector "$dir"
}

main() {
	have_server && have_vector && return
	lock_cache postgres
	have_server || install_packages "postgresql-$pg_major" "postgresql-client-$pg_major"
	have_server || die "PostgreSQL $pg_major is installed, but not in $pg_bin"
	have_vector || install_vector
	have_vector || die "pgvector was installed, but PostgreSQL $pg_major does not see it"
	note "PostgreSQL $pg_major and its vector extension are in place"
}

main
