# shellcheck shell=sh
# Runs a server for as long as the test process lives.  sh leash.sh SIGNAL DIR COMMAND...
#
# The test process holds the other end of stdin and says nothing through it: end
# of file means that it is gone, even if it was killed and could clean up nothing.
# (The kernel's parent-death signal will not do: it follows the thread that
# started the server, and a test's thread ends with the test.)
signal=$1 dir=$2
shift 2

# A job in the background has no stdin of its own, so that it is passed as 3.
exec 3<&0
"$@" >"$dir/log" 2>&1 3<&- &
server=$!
{
	cat <&3 >/dev/null
	[ -e "$dir/ended" ] || kill -s "$signal" "$server"
} 2>/dev/null &

wait "$server"
# Seen by the test process: it need not wait for a server that will never answer.
echo "$?" >"$dir/ended"
wait
rm -rf -- "$dir"
