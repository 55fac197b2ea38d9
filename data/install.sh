#!/bin/sh
# install.sh install|uninstall DESTDIR EXECUTABLE DATA VARIABLE=DIR...: puts the built files where they belong,
# or takes them away. Configuration that is there already is somebody's and stays; uninstall takes what nobody
# changed, and directories that are empty then.
set -eu
action=$1 dest=$2 executable=$3 data=$4
shift 4
prefix= bindir= sbindir= sysconfdir= localstatedir= datadir= mandir= unitdir=
for word in "$@"; do eval "${word%%=*}=\${word#*=}"; done
eval "bindir=$bindir sbindir=$sbindir datadir=$datadir mandir=$mandir"  # autoconf leaves ${prefix} in them

# prune DIR: removes it and what is above it, as far as it is empty and was made by us
prune() {
  dir=$1
  while [ -n "$dir" ] && [ "$dir" != / ]; do
    case $dir in */libvirt|*/libvirt/*) ;; *) [ -n "$dest" ] || return 0 ;; esac
    rmdir "$dest$dir" 2>/dev/null || return 0
    dir=${dir%/*}
  done
}
remove() { rm -f "$dest$1"; prune "${1%/*}"; }

# put MODE SOURCE TARGET
put() {
  if [ "$action" = install ]; then install -D -m "$1" "$2" "$dest$3"; else remove "$3"; fi
}
# put_config SOURCE TARGET [MODE]
put_config() {
  if [ "$action" = install ]; then
    [ -e "$dest$2" ] || install -D -m "${3:-644}" "$1" "$dest$2"
  elif cmp -s "$1" "$dest$2"; then
    remove "$2"
  else
    prune "${2%/*}"
  fi
}
# link NAME: a daemon's name for the executable
link() {
  if [ "$action" = install ]; then
    install -d "$dest$sbindir"
    ln -sfr "$dest$bindir/busyvirt" "$dest$sbindir/$1"
  else
    remove "$sbindir/$1"
  fi
}
# directory MODE PATH
directory() {
  if [ "$action" = install ]; then install -d -m "$1" "$dest$2"; else prune "$2"; fi
}

put 755 "$executable" "$bindir/busyvirt"
# Debugging information is four fifths of it; `make install STRIP=true` leaves it in.
if [ "$action" = install ]; then ${STRIP:-strip} "$dest$bindir/busyvirt"; fi
for conf in "$data"/conf/*.conf; do
  name=$(basename "$conf" .conf)
  put_config "$conf" "$sysconfdir/libvirt/$name.conf"
  link "$name"
done
link libvirt-guests
link libvirt_leaseshelper
put_config "$data/libvirt-guests.settings" "$sysconfdir/default/libvirt-guests"
for conf in "$data"/driver-conf/*.conf; do put_config "$conf" "$sysconfdir/libvirt/$(basename "$conf")"; done
for page in "$data"/man/*; do put 644 "$page" "$mandir/man8/$(basename "$page")"; done
for unit in "$data"/systemd/* systemd/*.target; do put 644 "$unit" "$unitdir/$(basename "$unit")"; done
put 644 systemd/90-busyvirt.preset "$prefix/lib/systemd/system-preset/90-busyvirt.preset"
put 644 "$data/sysusers.conf" "$prefix/lib/sysusers.d/busyvirt.conf"
put 644 "$data/tmpfiles.conf" "$prefix/lib/tmpfiles.d/busyvirt.conf"
put_config "$data/logrotate.conf" "$sysconfdir/logrotate.d/libvirtd"
for filter in data/nwfilter/*.xml; do put_config "$filter" "$sysconfdir/libvirt/nwfilter/$(basename "$filter")" 600; done
put_config data/sasl/libvirt.conf "$sysconfdir/sasl2/libvirt.conf"
put 644 data/polkit/org.libvirt.unix.policy "$datadir/polkit-1/actions/org.libvirt.unix.policy"
put 644 "$data/org.libvirt.api.policy" "$datadir/polkit-1/actions/org.libvirt.api.policy"
put 644 data/polkit/60-libvirt.rules "$datadir/polkit-1/rules.d/60-libvirt.rules"

directory 700 "$sysconfdir/libvirt/qemu/networks"
directory 700 "$sysconfdir/libvirt/secrets"
directory 700 "$sysconfdir/libvirt/nwfilter"
directory 711 "$localstatedir/lib/libvirt/images"
directory 755 "$localstatedir/lib/libvirt"
directory 755 "$localstatedir/cache/libvirt"
directory 755 "$localstatedir/log/libvirt"
