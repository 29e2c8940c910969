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

# Which versions of the secret Redis takes stands in the VM's metadata (`v3`, or `v3 v4` while clients change over).
# This keeps Redis so and says in a guest attribute what it takes. Redis 6 and later knows several passwords of one
# user; who is connected stays connected. On disk there are hashes alone.
write_keeper() {
	cat >/usr/local/sbin/dify-redis-passwords <<-'KEEPER'
		#!/bin/bash
		set -euo pipefail
		readonly metadata="${METADATA:-http://metadata.google.internal/computeMetadata/v1}/instance"
		readonly manager="${SECRET_MANAGER:-https://secretmanager.googleapis.com}"
		readonly secret="$1" mode="$2" users="${USERS:-/etc/redis/users.conf}"
		seen=''

		ask() { curl -fsS -H 'Metadata-Flavor: Google' "$@"; }

		token() {
			ask "$metadata/service-accounts/default/token" |
				python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'
		}

		# One password a line, in the order of the versions.
		passwords() {
			local version bearer
			bearer="$(token)" || return 1
			for version in $1; do
				curl -fsS -H @- "$manager/v1/$secret/versions/${version#v}:access" <<<"Authorization: Bearer $bearer" |
					python3 -c 'import base64, json, sys; print(base64.b64decode(json.load(sys.stdin)["payload"]["data"]).decode())' ||
					return 1
			done
		}

		# Hashes may be seen by anybody on the machine, passwords by nobody: not on a command line.
		hashes() {
			local password
			while read -r password; do
				printf '#%s\n' "$(printf %s "$password" | sha256sum | cut -d' ' -f1)"
			done
		}

		write_users() {
			(umask 027 && echo "user default on sanitize-payload ~* &* +@all $(tr '\n' ' ')" >"$users.new")
			[ "$(id -u)" != 0 ] || chgrp redis "$users.new"
			mv "$users.new" "$users"
		}

		apply() {
			local known hashed
			known="$(passwords "$1")" && [ -n "$known" ] || return 1
			hashed="$(hashes <<<"$known")"
			write_users <<<"$hashed" || return 1
			[ "$mode" = prepare ] || tell_redis "$known" "$hashed"
		}

		# By whichever of the passwords Redis takes now, all of the wanted ones at once.
		tell_redis() {
			local password
			local -a hashed
			mapfile -t hashed <<<"$2"
			while read -r password; do
				if REDISCLI_AUTH="$password" redis-cli ${REDIS_PORT:+-p "$REDIS_PORT"} \
					ACL SETUSER default resetpass "${hashed[@]}" 2>/dev/null </dev/null | grep -qx OK; then
					return
				fi
			done <<<"$1"
			return 1
		}

		say() {
			ask -X PUT --data "$1" "$metadata/guest-attributes/dify-reconciler/redis-passwords" >/dev/null
		}

		if [ "$mode" = prepare ]; then
			apply "$(ask "$metadata/attributes/redis-passwords")"
			exit
		fi
		while true; do
			wanted="$(ask "$metadata/attributes/redis-passwords")"
			if [ "$wanted" != "$seen" ]; then
				apply "$wanted" && say "$wanted" && seen="$wanted"
			fi
			sleep "${PAUSE:-5}"
		done
	KEEPER
	chmod 755 /usr/local/sbin/dify-redis-passwords
	cat >/etc/systemd/system/dify-redis-passwords.service <<-UNIT
		[Unit]
		After=redis-server.service
		[Service]
		ExecStart=/usr/local/sbin/dify-redis-passwords $secret keep
		Restart=always
		RestartSec=5
		[Install]
		WantedBy=multi-user.target
	UNIT
}

# noeviction: a full Redis must refuse, not drop queued tasks. 1 GB leaves the rest of the VM to NFS.
run_redis() {
	install -d -o redis -g redis -m 750 /share/redis
	write_keeper
	persist /usr/local/sbin/dify-redis-passwords "$secret" prepare
	cat >/etc/redis/redis.conf <<-'CONF'
		bind 0.0.0.0
		port 6379
		protected-mode yes
		include /etc/redis/users.conf
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
	start dify-redis-passwords
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
