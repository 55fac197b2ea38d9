#!/bin/sh
# Runs a command in private mount, network, PID, IPC, UTS and cgroup namespaces, so that a libvirt daemon in there touches
# nothing of this machine: empty /run, /var/{lib,log,cache}/libvirt, a copy of /etc/libvirt without objects, lo up, own cgroups.
# What the command starts ends with it.
#   private.sh [--dbus] [--share DIR]... COMMAND [ARGS...]
# --dbus: with a system bus, which the original daemon likes to have. --share: DIR is the same inside, also below /run.
# Exit status: that of COMMAND; 77 when this machine does not allow namespaces.
set -u

if [ -z "${BV_PRIVATE_STAGE:-}" ]; then
  [ "$(id -u)" = 0 ] || { echo "private.sh: only root may make namespaces" >&2; exit 77; }
  unshare -m -n -p -i -u --fork true 2>/dev/null || { echo "private.sh: namespaces are not allowed here" >&2; exit 77; }
  # The mount points must exist; those made for this are removed afterwards.
  made=
  for dir in /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
    [ -d "$dir" ] || { mkdir -p "$dir" && made="$made $dir"; }
  done
  # A cgroup of our own in each mounted hierarchy (v1 or v2) becomes the root of it inside.
  group=busyvirt-test-$$
  for top in /sys/fs/cgroup/*/ /sys/fs/cgroup/; do
    [ -e "$top/cgroup.procs" ] && mkdir "$top$group" 2>/dev/null || continue
    for file in cpuset.cpus cpuset.mems; do       # v1's cpuset wants them filled before anyone may enter
      [ -e "$top$group/$file" ] && [ -z "$(cat "$top$group/$file")" ] && cat "$top/$file" >"$top$group/$file" 2>/dev/null
    done
  done
  (
    for top in /sys/fs/cgroup/*/ /sys/fs/cgroup/; do
      [ -d "$top$group" ] && echo 0 >"$top$group/cgroup.procs" 2>/dev/null
    done
    BV_PRIVATE_STAGE=$group exec unshare -m -n -p -i -u -C --fork --kill-child --propagation private "$0" "$@"
  )
  status=$?
  for top in /sys/fs/cgroup/*/ /sys/fs/cgroup/; do
    [ -d "$top$group" ] && find "$top$group" -depth -type d -exec rmdir {} + 2>/dev/null
  done
  for dir in $made; do rmdir "$dir" 2>/dev/null; done
  exit $status
fi

group=$BV_PRIVATE_STAGE; unset BV_PRIVATE_STAGE
dbus=; [ "${1:-}" = --dbus ] && { dbus=1; shift; }
mount -t proc proc /proc
kept=$(mktemp -d) && mount -t tmpfs -o mode=755 tmpfs "$kept"
shared=
while [ "${1:-}" = --share ]; do
  mkdir -p "$kept$2" && mount --bind "$2" "$kept$2" && shared="$shared $2"; shift 2
done
for top in /sys/fs/cgroup/*/ /sys/fs/cgroup/; do
  [ -d "$top$group" ] && mount --bind "$top$group" "${top%/}" 2>/dev/null
done
hostname busyvirt-test
for dir in /run /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do mount -t tmpfs -o mode=755 tmpfs $dir; done

for dir in $shared; do mkdir -p "$dir" && mount --move "$kept$dir" "$dir"; done
umount "$kept" && rmdir "$kept"

etc=/run/busyvirt-etc
mkdir -p "$etc/libvirt"
cp -a /etc/libvirt/. "$etc/libvirt/"
rm -rf "$etc/libvirt/qemu" "$etc/libvirt/storage" "$etc/libvirt/secrets"
mkdir -p -m 700 "$etc/libvirt/qemu/networks" "$etc/libvirt/secrets"
mount --bind "$etc/libvirt" /etc/libvirt
# The user that guests run as, where no libvirt package made it.
if ! id libvirt-qemu >/dev/null 2>&1; then
  cp /etc/passwd /etc/group "$etc/"
  grep -q '^kvm:' "$etc/group" || echo 'kvm:x:64054:' >>"$etc/group"
  echo "libvirt-qemu:x:64055:$(sed -n 's/^kvm:[^:]*:\([0-9]*\):.*/\1/p' "$etc/group")::/nonexistent:/usr/sbin/nologin" >>"$etc/passwd"
  mount --bind "$etc/passwd" /etc/passwd; mount --bind "$etc/group" /etc/group
fi
mkdir -p /run/lock /run/dbus /run/libvirt
mkdir -p -m 711 /var/lib/libvirt/images /var/lib/libvirt/boot
for dir in /var/lib/libvirt/qemu /var/cache/libvirt/qemu; do mkdir -m 750 $dir; chown libvirt-qemu:kvm $dir; done
ip link set lo up
[ -n "$dbus" ] && dbus-daemon --system --fork --nopidfile >/dev/null 2>&1
# Not exec: this shell is the namespace's first process and reaps what is orphaned in it, daemonised QEMUs among others.
"$@"
exit $?
