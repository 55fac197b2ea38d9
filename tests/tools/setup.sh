#!/bin/sh
# Installs the Debian packages that a target needs and this machine lacks, after saying which.
#   setup.sh GROUP...     build check auth boot demo bench fuzz conformance
# The one place where package names are kept. Exit status 1: something is missing and could not be installed.
set -u

packages_of() {
  case $1 in
    build) echo make g++ autoconf pkg-config libglib2.0-dev libxml2-dev libjson-c-dev libzstd-dev \
      libpcre2-dev libfmt-dev libsystemd-dev nettle-dev libgnutls28-dev libsasl2-dev ;;
    unit) echo libgtest-dev libcmocka-dev lld libxml2-utils ;;
    guests) echo libvirt-clients python3 python3-libvirt qemu-system-x86 qemu-utils iproute2 procps util-linux dbus-daemon \
      dnsmasq-base iptables ebtables parted ;;
    boot) echo systemd systemd-container dbus openssl libvirt-clients ;;
    kernel) echo linux-image-amd64 busybox-static cpio ;;
    auth) echo gnutls-bin sasl2-bin krb5-kdc krb5-admin-server krb5-user libsasl2-modules libsasl2-modules-gssapi-mit polkitd \
      dbus-daemon ;;
    conformance) echo libvirt-daemon-system ;;
    fuzz) echo clang-16 libclang-rt-16-dev lld ;;
    check) for g in build unit guests kernel; do packages_of $g; done ;;
    demo) for g in build guests kernel; do packages_of $g; done ;;
    bench) for g in build guests; do packages_of $g; done ;;
    *) echo "setup.sh: no package group '$1'" >&2; exit 2 ;;
  esac
}

[ $# -gt 0 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 2; }
wanted=$(for g in "$@"; do packages_of "$g"; done | tr ' ' '\n' | sort -u)
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p' | sort -u)
missing=$(printf '%s\n' "$wanted" | grep -vxF -e "$installed" | tr '\n' ' ')
[ -n "${missing% }" ] || exit 0

echo "setup: these packages are missing and will be installed with apt-get: $missing"
as_root=
if [ "$(id -u)" != 0 ]; then
  if sudo -n true 2>/dev/null </dev/null; then as_root='sudo -n'
  else echo "setup: not root, and sudo wants a password. As root: apt-get install $missing" >&2; exit 1; fi
fi
export DEBIAN_FRONTEND=noninteractive
install() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing </dev/null; }
log=$(mktemp)
if ! install >"$log" 2>&1; then
  $as_root apt-get update -q </dev/null >>"$log" 2>&1
  if ! install >>"$log" 2>&1; then
    tail -n 15 "$log" >&2; rm -f "$log"
    echo "setup: could not install: $missing" >&2
    exit 1
  fi
fi
rm -f "$log"
echo "setup: installed"
