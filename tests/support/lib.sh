# shellcheck shell=bash
# Shared by the scripts beside it (`source`d, not run).
#
# Progress goes to stderr, because stdout carries the one path a caller wants.

support_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
repo_dir="$(cd "$support_dir/../.." && pwd)"
cache_dir="${DIFY_TEST_CACHE:-$repo_dir/target/test-assets}"

note() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }

die() {
	note "$*"
	exit 1
}

# Root runs a command as it is; anyone else needs sudo, and only here.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@" >&2
	elif command -v sudo >/dev/null; then
		sudo --non-interactive "$@" >&2
	else
		die "needs root for: $*"
	fi
}

# Two test runs in one checkout must not build the same thing twice, nor see a
# half-built one. The lock is dropped when the script ends, however it ends.
lock_cache() {
	mkdir -p "$cache_dir"
	exec 9>"$cache_dir/.$1.lock"
	if ! flock --nonblock 9; then
		note "another run is at work here: waiting"
		flock 9
	fi
}

# Installs only those Debian packages that are missing.
# The list of packages is refreshed only if something is to be installed.
install_packages() {
	local package missing=()
	for package in "$@"; do
		if ! dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
			missing+=("$package")
		fi
	done
	[ "${#missing[@]}" = 0 ] && return
	note "installing ${missing[*]}"
	as_root apt-get -qq update
	# The children of apt must not inherit the lock: postgresql's scripts may leave a server running.
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq --yes --no-install-recommends install "${missing[@]}" 9>&-
}

# The Python that runs pip, which takes what it downloads from the index that the machine is set up for.
find_python() {
	command -v python3 >/dev/null || install_packages python3 python3-pip
	command -v python3 >/dev/null || die "python3 is installed, but not in PATH"
	python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip
}

# Downloads one wheel into a folder: `download_wheel <folder> <name==version> [more of pip's options]`.
download_wheel() {
	local dir="$1" package="$2"
	shift 2
	find_python
	note "downloading $package"
	python3 -m pip download --quiet --no-input --disable-pip-version-check --no-deps --only-binary=:all: "$@" --dest "$dir" "$package" >&2
}
