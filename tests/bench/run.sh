#!/bin/bash
# Our daemons beside the original's (where Debian's libvirt is installed) in private namespaces.
#   run.sh BUILD [bench options]        see main.cc; --only-original leaves ours out
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(readlink -f "$1"); shift
if [ "${BV_BENCH:-}" != 1 ]; then BV_BENCH=1 exec "$here/../tools/private.sh" --dbus "$0" "$build" "$@"; fi

"$here/../tools/guest.sh" /var/lib/libvirt/images || exit 1
# Room for the thousands of idle clients; the same for both.
printf 'max_clients = 9000\nmax_anonymous_clients = 9000\nmax_queued_clients = 9000\n' >>/etc/libvirt/libvirtd.conf
# private.sh's group gets as much of the processors as any one process outside otherwise, whoever is nice.
for group in /sys/fs/cgroup/cpu/cpu.shares=262144 /sys/fs/cgroup/cpu.weight=10000; do
  [ ! -w "${group%=*}" ] || echo "${group#*=}" >"${group%=*}"
done
# Everything else here is in memory.
export BV_BENCH_DISK=$build/bench-logs/
mkdir -p "$BV_BENCH_DISK"
# As Debian's packages are, without debugging information.
mkdir /run/ours && strip -o /run/ours/busyvirt "$build/busyvirt"
for name in libvirtd virtlogd virtlockd virtqemud virtproxyd; do ln -s busyvirt "/run/ours/$name"; done
sides=(--ours /run/ours)
if [ "${1:-}" = --only-original ]; then sides=(); shift; fi
if [ -x /usr/sbin/libvirtd ]; then sides+=(--original /usr/sbin); else echo "Debian's libvirt is not installed (apt-get install libvirt-daemon-system): ours alone."; fi
echo "$(nproc) cores, $(awk '/MemTotal/ {printf "%.0f GB", $2 / 1e6}' /proc/meminfo), $(uname -r), load $(cut -d' ' -f1 /proc/loadavg)"
"$build/bench" "${sides[@]}" "$@"
