#!/bin/sh
# The direction of dependencies, held against the #include lines of src/ and applets/. Prints TAP: one test a room.
# A room may include itself and what its row names; a directory of src/ without a row is a driver.
cd "$(dirname "$0")/../.." || exit 2
grep -rHoE --include='*.cc' --include='*.h' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]+"' src applets | LC_ALL=C sort | awk -F: '
  BEGIN {
    may["base"] = " "
    may["rpc"] = " base "
    may["protocol"] = " base rpc "
    may["model"] = " base rpc protocol "
    may["upgrade"] = " base rpc "
    may["daemon"] = " base rpc protocol upgrade "
    may["cpu"] = " base model "
    may["host"] = " base model cpu "
    below_drivers = " base rpc protocol model upgrade daemon cpu host "
  }
  {
    room = $1; sub(/^src\//, "", room); sub(/\/.*/, "", room)
    target = $2; sub(/^[^"]*"/, "", target); sub(/"$/, "", target)
    if (!(room in rooms)) { rooms[room] = 1; order[++count] = room }
    if (target !~ /\//) next                       # beside the file that includes it
    sub(/\/.*/, "", target)
    if (target == room || room == "applets") next
    allowed = (room in may) ? may[room] : below_drivers
    if (index(allowed, " " target " ")) next
    bad[room] = bad[room] "#   " $1 ": " $2 "\n"
  }
  END {
    print "1.." count
    for (i = 1; i <= count; i++) {
      room = order[i]
      if (bad[room] != "") failed = 1
      printf "%s %d - includes of %s point downwards\n%s", (bad[room] != "") ? "not ok" : "ok", i, room, bad[room]
    }
    exit failed + 0
  }'
