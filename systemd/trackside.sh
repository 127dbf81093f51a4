#!/bin/sh
# Trackside as it is installed on this machine: the box's own data, unless TRACKSIDE_DATA or --data says another.
TRACKSIDE_DATA=${TRACKSIDE_DATA:-/var/lib/trackside}
export TRACKSIDE_DATA
program=/opt/trackside/venv/bin/trackside
[ "$(id -u)" = 0 ] || exec "$program" "$@"
"$program" "$@"
status=$?
# What root made there is given back to the box.
owners=/etc/tmpfiles.d/trackside.conf
[ ! -e "$owners" ] || systemd-tmpfiles --create "$owners" 2>/dev/null
exit "$status"
