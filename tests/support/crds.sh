#!/usr/bin/env bash
# Prints a directory of CRD files, one folder per origin: gateway-api-standard-v1.3.0,
# vpa and, where the Go proxy has it, gke-gateway. They come out of the Go
# modules that publish them, so no other download place is needed.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# folder, module, path inside the module, must it be there
# The last: the Go proxy need not serve the GKE module, which has no release;
# tests that want those kinds skip without them.
readonly origins="
gateway-api-standard-v1.3.0 sigs.k8s.io/gateway-api@v1.3.0 config/crd/standard required
vpa k8s.io/autoscaler/vertical-pod-autoscaler@v1.8.1 deploy/vpa-v1-crd-gen.yaml required
gke-gateway github.com/GoogleCloudPlatform/gke-gateway-api@fc40d606a533 config/crd optional
"

# The folder of the unpacked module, or nothing and a reason on stderr.
# Run at the root, where no go.mod can have its say.
module_dir() {
	local answer
	if ! answer="$(cd / && go mod download -json "$1" 2>&1)"; then
		sed -n 's/^[[:space:]]*"Error": "\(.*\)".*/\1/p' <<<"$answer" | cut -c1-200 >&2
		return 1
	fi
	sed -n 's/^[[:space:]]*"Dir": "\(.*\)".*/\1/p' <<<"$answer"
}

# Copies into a folder beside the wanted one, then renames: whole or not at all.
copy_crds() {
	local from="$1" to="$2" file files
	rm -rf -- "$to.part"
	mkdir -p "$to.part"
	if [ -d "$from" ]; then files=("$from"/*.yaml); else files=("$from"); fi
	for file in "${files[@]}"; do
		# Other kinds lie among them (a kustomization, an admission policy).
		if grep -q '^kind: CustomResourceDefinition' "$file"; then
			install -m 0644 "$file" "$to.part/"
		fi
	done
	[ -n "$(ls "$to.part")" ] || die "no CRD in $from"
	mv "$to.part" "$to"
}

fetch_origin() {
	local folder="$1" module="$2" path="$3" need="$4" source
	[ -d "$cache_dir/crds/$folder" ] && return
	note "taking $folder from $module"
	if source="$(module_dir "$module")"; then
		copy_crds "$source/$path" "$cache_dir/crds/$folder"
	elif [ "$need" = required ]; then
		die "$module cannot be had"
	else
		note "$folder is left out"
	fi
}

main() {
	local folder module path need
	command -v go >/dev/null || die "needs Go to download the modules"
	lock_cache crds
	mkdir -p "$cache_dir/crds"
	while read -r folder module path need; do
		if [ -n "$folder" ]; then fetch_origin "$folder" "$module" "$path" "$need"; fi
	done <<<"$origins"
	printf '%s\n' "$cache_dir/crds"
}

main
