#!/bin/sh
# generate.sh DESCRIBE OUT SBINDIR SYSCONFDIR RUNSTATEDIR: writes into OUT what follows from the table of
# personalities: conf/NAME.conf, man/NAME.8, systemd/*.service and *.socket, and polkit's policy; and the
# drivers' driver-conf/NAME.conf.
set -eu
describe=$1 out=$2
shift 2   # what is left are the directories that units name
rm -rf "$out/conf" "$out/driver-conf" "$out/man" "$out/systemd"
mkdir -p "$out/conf" "$out/driver-conf" "$out/man" "$out/systemd"

# unit TEMPLATE NAME SUFFIX DIRECTORY...
unit() {
  template=$1 name=$2 suffix=$3
  shift 3
  "$describe" unit "$name" "systemd/$template.in" "$@" > "$out/systemd/$name$suffix"
}

"$describe" list | while read -r name kinds; do
  "$describe" config "$name" > "$out/conf/$name.conf"
  "$describe" man "$name" > "$out/man/$name.8"
  case " $kinds " in
    *' ro '*) unit daemon.service "$name" .service "$@"; unit ro.socket "$name" -ro.socket "$@" ;;
    *) unit helper.service "$name" .service "$@" ;;
  esac
  unit main.socket "$name" .socket "$@"
  unit admin.socket "$name" -admin.socket "$@"
  case " $kinds " in
    *' tcp '*) unit tcp.socket "$name" -tcp.socket "$@"; unit tls.socket "$name" -tls.socket "$@" ;;
  esac
done
"$describe" guests-unit systemd/libvirt-guests.service.in "$@" > "$out/systemd/libvirt-guests.service"
"$describe" busyvirt-man > "$out/man/busyvirt.8"
"$describe" guests-man > "$out/man/libvirt-guests.8"
"$describe" guests-settings > "$out/libvirt-guests.settings"
for name in qemu qemu-lockd; do "$describe" driver-config $name > "$out/driver-conf/$name.conf"; done
"$describe" policy > "$out/org.libvirt.api.policy"
