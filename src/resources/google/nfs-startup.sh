#!/bin/bash
# Runs at every start of the NFS server, and must come out the same however often it does.
set -euo pipefail

readonly share='@SHARE@'
readonly ranges='@RANGES@'
readonly secret='@SECRET@'
readonly device=/dev/disk/by-id/google-data

# Network and permissions may need a moment after the VM's first start.
persist() {
	local tries
	for tries in $(seq 30); do
		"$@" && return
		echo "try $tries of $1 failed" >&2
		sleep 10
	done
	return 1
}

install_packages() {
	export DEBIAN_FRONTEND=noninteractive
	# The packages start their services; these may not run before they are set up.
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d
	dpkg -s "$@" >/dev/null 2>&1 || { apt-get update -q && apt-get install -qy --no-install-recommends "$@"; }
	local code=$?
	rm -f /usr/sbin/policy-rc.d
	return "$code"
}

# From here alone, never by systemd at boot: before the disk is mounted, a service would serve the wrong files.
start() {
	systemctl disable --quiet "$1"
	systemctl reset-failed "$1" || true
	systemctl restart "$1"
}

# Only a disk without any file system is formatted.
mount_disk() {
	[ -n "$(blkid -o value -s TYPE "$device" || true)" ] || mkfs.ext4 -q -m 0 "$device"
	mkdir -p /share
	mountpoint -q /share || mount -o discard,defaults "$device" /share
	resize2fs "$device" >/dev/null 2>&1 || true
}

# Dify's containers run as 1001; root on a client is nobody here.
export_share() {
	install -d -o 1001 -g 1001 -m 2770 "/share/$share"
	local range line="/share/$share"
	for range in $ranges; do
		line+=" $range(rw,sync,root_squash,no_subtree_check)"
	done
	echo "$line" >/etc/exports
	start nfs-kernel-server
	exportfs -ra
}

read_password() {
	local token
	token="$(curl -fsS -H 'Metadata-Flavor: Google' \
		http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')" || return 1
	curl -fsS -H @- "https://secretmanager.googleapis.com/v1/$secret/versions/latest:access" \
		<<<"Authorization: Bearer $token" |
		python3 -c 'import base64, json, sys; print("requirepass", base64.b64decode(json.load(sys.stdin)["payload"]["data"]).decode())' \
			>/etc/redis/password.conf
}

# noeviction: a full Redis must refuse, not drop queued tasks. 1 GB leaves the rest of the VM to NFS.
run_redis() {
	install -d -o redis -g redis -m 750 /share/redis
	(umask 077 && : >/etc/redis/password.conf)
	persist read_password
	chown redis:redis /etc/redis/password.conf
	cat >/etc/redis/redis.conf <<-'CONF'
		bind 0.0.0.0
		port 6379
		protected-mode yes
		include /etc/redis/password.conf
		daemonize no
		supervised systemd
		dir /share/redis
		appendonly yes
		appendfsync everysec
		save 900 1
		maxmemory 1gb
		maxmemory-policy noeviction
		timeout 0
		tcp-keepalive 300
	CONF
	mkdir -p /etc/systemd/system/redis-server.service.d
	cat >/etc/systemd/system/redis-server.service.d/dify.conf <<-'CONF'
		[Service]
		Type=notify
		ExecStart=
		ExecStart=/usr/bin/redis-server /etc/redis/redis.conf
		PIDFile=
		ReadWritePaths=/share/redis
		Restart=always
	CONF
	systemctl daemon-reload
	start redis-server
}

main() {
	if [ -n "$secret" ]; then
		persist install_packages nfs-kernel-server redis-server curl python3
	else
		persist install_packages nfs-kernel-server
	fi
	mount_disk
	export_share
	[ -z "$secret" ] || run_redis
}

main
