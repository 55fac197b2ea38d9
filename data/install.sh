#!/bin/sh
# install.sh install|uninstall DESTDIR BUILD VARIABLE=DIR...: puts the built files where they belong, or
# takes them away. Configuration files that are there already are somebody's and stay.
set -eu
action=$1 dest=$2 build=$3
shift 3
prefix= bindir= sbindir= sysconfdir= localstatedir= datadir= mandir= unitdir=
for word in "$@"; do eval "${word%%=*}=\${word#*=}"; done
eval "bindir=$bindir sbindir=$sbindir datadir=$datadir mandir=$mandir"  # autoconf leaves ${prefix} in them

# put MODE SOURCE TARGET
put() {
  if [ "$action" = install ]; then install -D -m "$1" "$2" "$dest$3"; else rm -f "$dest$3"; fi
}
# put_config SOURCE TARGET: never over what is there, never removed
put_config() {
  if [ "$action" = install ] && [ ! -e "$dest$2" ]; then install -D -m 644 "$1" "$dest$2"; fi
}
# directory MODE PATH
directory() {
  if [ "$action" = install ]; then install -d -m "$1" "$dest$2"; fi
}

put 755 "$build/busyvirt" "$bindir/busyvirt"
for conf in "$build"/data/conf/*.conf; do
  name=$(basename "$conf" .conf)
  put_config "$conf" "$sysconfdir/libvirt/$name.conf"
  put 644 "$build/data/man/$name.8" "$mandir/man8/$name.8"
  if [ "$action" = install ]; then
    install -d "$dest$sbindir"
    ln -sfr "$dest$bindir/busyvirt" "$dest$sbindir/$name"
  else
    rm -f "$dest$sbindir/$name"
  fi
done
for unit in "$build"/data/systemd/* systemd/*.target; do put 644 "$unit" "$unitdir/$(basename "$unit")"; done
put 644 systemd/90-busyvirt.preset "$prefix/lib/systemd/system-preset/90-busyvirt.preset"
put 644 "$build/data/sysusers.conf" "$prefix/lib/sysusers.d/busyvirt.conf"
put 644 "$build/data/tmpfiles.conf" "$prefix/lib/tmpfiles.d/busyvirt.conf"
put_config "$build/data/logrotate.conf" "$sysconfdir/logrotate.d/libvirtd"
put_config data/sasl/libvirt.conf "$sysconfdir/sasl2/libvirt.conf"
put 644 data/polkit/org.libvirt.unix.policy "$datadir/polkit-1/actions/org.libvirt.unix.policy"
put 644 "$build/data/org.libvirt.api.policy" "$datadir/polkit-1/actions/org.libvirt.api.policy"
put 644 data/polkit/60-libvirt.rules "$datadir/polkit-1/rules.d/60-libvirt.rules"

directory 700 "$sysconfdir/libvirt/qemu/networks"
directory 700 "$sysconfdir/libvirt/secrets"
directory 755 "$localstatedir/lib/libvirt"
directory 711 "$localstatedir/lib/libvirt/images"
directory 755 "$localstatedir/cache/libvirt"
directory 755 "$localstatedir/log/libvirt"
