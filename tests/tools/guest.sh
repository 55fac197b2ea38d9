#!/bin/sh
# Assembles a small Linux guest from Debian packages (linux-image-amd64, busybox-static) on the fly.
#   guest.sh DIR       writes DIR/vmlinuz, DIR/initrd and DIR/halt.bin
# The guest prints "guest is up" on its serial console, then answers each line typed there with "echo: LINE"; it powers off
# when its power button is pressed. A channel named org.qemu.guest_agent.0 is answered as QEMU's guest agent would, as far as
# tests need it. halt.bin is firmware that only halts: a guest that costs nothing and never ends by itself.
set -eu
dir=$1
kernel=$(ls /boot/vmlinuz-* 2>/dev/null | sort -V | tail -n 1)
[ -n "$kernel" ] || { echo "guest.sh: no kernel in /boot (package linux-image-amd64)" >&2; exit 1; }
[ -x /bin/busybox ] || [ -x /usr/bin/busybox ] || { echo "guest.sh: no busybox (package busybox-static)" >&2; exit 1; }
modules=/lib/modules/${kernel#/boot/vmlinuz-}/kernel/drivers

root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
mkdir -p "$root/bin" "$root/proc" "$root/dev" "$root/sys" "$root/lib"
cp "$(command -v busybox)" "$root/bin/busybox"
for name in sh mount cat od poweroff echo insmod sleep dd ls; do ln -s busybox "$root/bin/$name"; done
number=10                                         # in the order in which they need each other
for module in acpi/button input/evdev virtio/virtio_ring virtio/virtio virtio/virtio_pci_modern_dev virtio/virtio_pci_legacy_dev \
              virtio/virtio_pci char/virtio_console; do
  number=$((number + 1))
  # later kernels compress them
  for file in "$modules/$module.ko" "$modules/$module.ko.xz"; do [ -e "$file" ] && cp "$file" "$root/lib/$number-${file##*/}"; done
done
cat >"$root/init" <<'INIT'
#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null
for module in /lib/*.ko*; do insmod $module; done
exec <>/dev/ttyS0 >&0 2>&1
# Every event of the power button's device ends the guest; the keyboard's do not.
for event in /sys/class/input/event*; do
  read name <$event/device/name
  case $name in *Power*) (dd if=/dev/input/${event##*/} of=/dev/null bs=24 count=1 2>/dev/null; echo "powering off"; poweroff -f) & ;; esac
done
# Agent: a line of JSON in, a line out; what it is not taught is an error, as with the real one.
answer() {
  case $1 in
    *guest-sync*) id=${1##*\"id\":}; echo "{\"return\": ${id%%[!0-9 ]*}}" ;;
    *guest-ping*) echo '{"return": {}}' ;;
    *guest-get-host-name*) echo '{"return": {"host-name": "little-guest"}}' ;;
    *guest-get-time*) echo '{"return": 1234567890000000005}' ;;
    *guest-shutdown*) poweroff -f ;;
    *) echo '{"error": {"class": "CommandNotFound", "desc": "The command has not been found"}}' ;;
  esac
}
for port in /dev/vport*; do
  [ -e $port ] && (exec 3<>$port; while :; do read -r line <&3 && answer "$line" >&3 || sleep 1; done) &
done
echo "guest is up"
while read line; do echo "echo: $line"; done
INIT
chmod 755 "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) >"$dir/initrd"
cp "$kernel" "$dir/vmlinuz"
{ head -c 65520 /dev/zero | tr '\0' '\364'; printf '\372\364\353\375'; head -c 12 /dev/zero; } >"$dir/halt.bin"
chmod 644 "$dir/initrd" "$dir/vmlinuz" "$dir/halt.bin"
