#!/usr/bin/env bash
# Prints a directory that holds `kube-apiserver` and `etcd`, building the first
# (once) and installing the second (once) where they are missing.
#
# Set KUBEBUILDER_ASSETS to use binaries that are there already.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

source_dir="$support_dir/kube-apiserver"

# The key says which sources a cached binary was built from.
# tests/support/assets.rs computes the same one: keep the two alike.
assets_key() {
	cat "$source_dir/go.mod" "$source_dir/main.go" | sha256sum | cut -c1-12
}

kubernetes_version() {
	sed -n 's|^[[:space:]]*k8s.io/kubernetes \(v[0-9.]*\)$|\1|p' "$source_dir/go.mod"
}

# Without these the server would call itself v0.0.0-master at /version.
version_flags() {
	local version="$1" package=k8s.io/component-base/version major minor
	IFS=. read -r major minor _ <<<"${version#v}"
	printf -- '-X %s=%s ' \
		"$package.gitVersion" "$version" \
		"$package.gitMajor" "$major" \
		"$package.gitMinor" "$minor" \
		"$package.gitCommit" unknown \
		"$package.gitTreeState" archive
}

build_apiserver() {
	local target="$1" version
	command -v go >/dev/null || die "needs Go to build kube-apiserver"
	version="$(kubernetes_version)"
	[ -n "$version" ] || die "no k8s.io/kubernetes version in $source_dir/go.mod"
	note "building kube-apiserver $version (some minutes, once)"
	# Built beside its place and then moved, so that a stopped build leaves nothing behind.
	(cd "$source_dir" && CGO_ENABLED=0 go build -mod=readonly -buildvcs=false -trimpath \
		-ldflags="-s -w $(version_flags "$version")" -o "$target.part" . 9>&-) >&2
	mv "$target.part" "$target"
}

find_etcd() {
	command -v etcd && return
	install_packages etcd-server
	hash -r
	command -v etcd || die "etcd-server is installed, but etcd is not in PATH"
}

main() {
	local dir
	if [ -x "${KUBEBUILDER_ASSETS:-}/kube-apiserver" ] && [ -x "${KUBEBUILDER_ASSETS:-}/etcd" ]; then
		printf '%s\n' "$KUBEBUILDER_ASSETS"
		return
	fi
	dir="$cache_dir/kubernetes-$(assets_key)"
	if [ ! -x "$dir/kube-apiserver" ] || [ ! -x "$dir/etcd" ]; then
		lock_cache assets
		mkdir -p "$dir"
		# Asked again: the run we waited for may have done the work.
		[ -x "$dir/kube-apiserver" ] || build_apiserver "$dir/kube-apiserver"
		[ -x "$dir/etcd" ] || ln -sfn "$(find_etcd)" "$dir/etcd"
	fi
	printf '%s\n' "$dir"
}

main
