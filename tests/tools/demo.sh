#!/bin/bash
# Shows a guest's life: our libvirtd in a private place, Debian's virsh, a real Linux guest. Cleans up after itself.
#   demo.sh EXECUTABLE
# As root in private namespaces and system mode, otherwise in session mode under a temporary directory.
# DEMO_DAEMON names another libvirtd to run instead.
set -u
here=$(cd "$(dirname "$0")" && pwd)
executable=$(readlink -f "$1") || exit 2
if [ "$(id -u)" = 0 ] && [ -z "${DEMO_INSIDE:-}" ]; then
  DEMO_INSIDE=1 "$here/private.sh" "$0" "$@"
  status=$?
  [ $status = 77 ] && echo "demo: run it as an ordinary user here: it then needs no namespaces."
  exit $status
fi

step() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }
say() { printf '    %s\n' "$*"; }
# Shows a command as one would type it, and what it prints.
try() { printf '    $ %s\n' "$*"; "$@" 2>&1 | sed '/^$/d; s/^/      /'; return "${PIPESTATUS[0]}"; }
die() {
  printf '\ndemo: %s\n' "$*" >&2
  [ -s "$dir/daemon.log" ] && { echo "The daemon said:" >&2; tail -n 15 "$dir/daemon.log" >&2; }
  exit 1
}

dir=$(mktemp -d "${TMPDIR:-/tmp}/busyvirt-demo.XXXXXX")
daemon= console=
clean_up() {
  [ -n "$daemon" ] && kill -0 "$daemon" 2>/dev/null && virsh destroy demo >/dev/null 2>&1
  [ -n "$console" ] && kill "$console" 2>/dev/null
  [ -n "$daemon" ] && kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null
  # The log daemon that ours started would wait a while for the next guest; root's ends with its namespaces.
  [ $mode = session ] && kill "$(cat "$run_dir/virtlogd.pid" 2>/dev/null)" 2>/dev/null
  rm -rf "$dir"
}
trap clean_up EXIT

chmod 755 "$dir"
ln -s "$executable" "$dir/libvirtd"
if [ "$(id -u)" = 0 ]; then
  mode=system
  run_dir=/run/libvirt images=/var/lib/libvirt/images
else
  mode=session
  mkdir -m 700 "$dir/home" "$dir/run" "$dir/images"
  export HOME=$dir/home XDG_RUNTIME_DIR=$dir/run
  unset XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME
  run_dir=$dir/run/libvirt images=$dir/images
fi
export LIBVIRT_DEFAULT_URI="qemu+unix:///$mode?socket=$run_dir/libvirt-sock" LC_ALL=C.UTF-8
virsh() { command virsh -q "$@"; }

[ -n "${DEMO_DAEMON:-}" ] && [ $mode = system ] && virtlogd -d     # the original starts no guest without it

start_daemon() {
  "${DEMO_DAEMON:-$dir/libvirtd}" >>"$dir/daemon.log" 2>&1 </dev/null &
  daemon=$!
  for _ in $(seq 100); do
    virsh uri >/dev/null 2>&1 && return
    kill -0 "$daemon" 2>/dev/null || die "the daemon ended"
    sleep 0.1
  done
  die "the daemon does not answer on $run_dir/libvirt-sock"
}

define() {
  cat >"$dir/demo.xml" <<XML
<domain type='$1'>
  <name>demo</name>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$images/vmlinuz</kernel><initrd>$images/initrd</initrd><cmdline>console=ttyS0 quiet</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <serial type='pty'/>
    <console type='pty'/>
  </devices>
</domain>
XML
  virsh define "$dir/demo.xml" >"$dir/out" 2>&1 || die "virsh define: $(cat "$dir/out")"
}

# Attaches a console in the background; what it shows goes to $dir/console, what is typed comes from fd 9.
attach() {
  rm -f "$dir/keys" "$dir/console"; mkfifo "$dir/keys"; : >"$dir/console"
  script -qfec "virsh -q console demo --force" /dev/null <"$dir/keys" >"$dir/console" 2>&1 &
  console=$!
  exec 9>"$dir/keys"
}
# Waits until the console shows $1, at most $2 seconds.
console_shows() {
  for _ in $(seq $(($2 * 10))); do
    grep -aq "$1" "$dir/console" && return
    sleep 0.1
  done
  return 1
}
show_console() { tr -d '\r' <"$dir/console" | sed 's/\x1b[^a-zA-Z]*[a-zA-Z]//g; s/\x1bc//g' | grep -a . | grep -av '^Authorization not available' | tail -n "$1" | sed 's/^/      | /'; }
detach() { printf '\035' >&9; exec 9>&-; wait "$console" 2>/dev/null; console=; }

step "A guest: Debian's kernel and a busybox for its initial ramdisk"
try "$here/guest.sh" "$images" || die "no guest could be assembled"
say "$(du -h "$images/vmlinuz" | cut -f1) kernel, $(du -h "$images/initrd" | cut -f1) initrd"

step "Our daemon, as libvirtd in $mode mode"
start_daemon
say "process $daemon, $(awk '/^VmRSS/ {print $2 " " $3}' /proc/$daemon/status) in memory, listens on $run_dir/libvirt-sock"

step "Debian's virsh talks to it"
try virsh version || die "virsh version failed"

booted=
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
  step "Define and start the guest, with KVM"
  define kvm
  if try virsh start demo; then
    attach
    console_shows 'guest is up' 6 && booted=kvm
    if [ -z "$booted" ]; then
      detach
      try virsh destroy demo
      say "It starts, but gets nowhere within 6 s: this host's KVM does not boot a stock kernel. Falling back to TCG."
    fi
  else
    say "KVM does not start a guest here. Falling back to TCG."
  fi
  [ -n "$booted" ] || virsh undefine demo >/dev/null 2>&1
else
  say "No /dev/kvm here: falling back to TCG."
fi
if [ -z "$booted" ]; then
  step "Define and start the guest, with TCG (slower: every instruction is translated)"
  define qemu
  try virsh start demo || die "virsh start failed"
  attach
  console_shows 'guest is up' 60 && booted=qemu
fi
say "Its console, by virsh console:"
show_console 3
[ -n "$booted" ] || die "the guest did not come up"

step "Type on the console"
say "typed: hello from outside"
printf 'hello from outside\r' >&9
console_shows 'echo: hello' 10 || die "the guest does not answer on its console"
show_console 1
detach

step "The guest among the others"
try virsh list
try virsh dominfo demo | grep -E '[$] virsh|State|memory|CPU time'

step "Kill the daemon with SIGKILL: the guest goes on, and the next daemon finds it"
kill -9 "$daemon"; wait "$daemon" 2>/dev/null
say "killed; QEMU is still there: $(pgrep -n qemu-system || echo no)"
start_daemon
try virsh list
virsh domstate demo | grep -q running || die "the guest was lost"

step "Press its power button, and wait"
try virsh shutdown demo
for _ in $(seq 200); do virsh domstate demo 2>/dev/null | grep -q 'shut off' && break; sleep 0.1; done
try virsh domstate --reason demo
virsh domstate demo | grep -q 'shut off' || die "it did not shut down"

step "Clean up"
try virsh undefine demo
kill "$daemon"; wait "$daemon" 2>/dev/null; daemon=
say "Nothing is left. Install it with: make install; see README."
