#!/bin/sh
# generate.sh DESCRIBE OUT SBINDIR SYSCONFDIR RUNSTATEDIR: writes into OUT what follows from the table of
# personalities: conf/NAME.conf, man/NAME.8, systemd/*.service and *.socket, and polkit's policy.
set -eu
describe=$1 out=$2 sbindir=$3 sysconfdir=$4 runstatedir=$5
rm -rf "$out/conf" "$out/man" "$out/systemd"
mkdir -p "$out/conf" "$out/man" "$out/systemd"

# unit TEMPLATE NAME SUFFIX
unit() {
  "$describe" unit "$2" "systemd/$1.in" "$sbindir" "$sysconfdir" "$runstatedir" > "$out/systemd/$2$3"
}

"$describe" list | while read -r name kinds; do
  "$describe" config "$name" > "$out/conf/$name.conf"
  "$describe" man "$name" > "$out/man/$name.8"
  case " $kinds " in
    *' ro '*) unit daemon.service "$name" .service; unit ro.socket "$name" -ro.socket ;;
    *) unit helper.service "$name" .service ;;
  esac
  unit main.socket "$name" .socket
  unit admin.socket "$name" -admin.socket
  case " $kinds " in
    *' tcp '*) unit tcp.socket "$name" -tcp.socket; unit tls.socket "$name" -tls.socket ;;
  esac
done
"$describe" policy > "$out/org.libvirt.api.policy"
