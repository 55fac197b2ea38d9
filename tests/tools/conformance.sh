#!/bin/bash
# Scores our libvirtd on a conformance corpus and holds each category against tests/conformance.floor.
#   conformance.sh CORPUS_DIR [BUILD_DIR]       CORPUS_DIR has run.py and sandbox.sh
# Leaves every outcome in BUILD_DIR/conformance.json, which raise-floor reads. A category is one test in the last line.
set -u
corpus=$(cd "$1" && pwd) || exit 2
cd "$(dirname "$0")/../.." || exit 2
build=$PWD/${2:-build}
tests/tools/setup.sh guests conformance || { echo "0 passed, 1 failed"; exit 1; }
[ "$(id -u)" = 0 ] || { echo "conformance: needs root for its namespaces"; echo "0 passed, 1 failed"; exit 1; }

# The sandbox finds the daemon by its libvirt name.
bin=$(mktemp -d); trap 'rm -rf "$bin"' EXIT
chmod 755 "$bin"; cp "$build/busyvirt" "$bin/busyvirt"; ln -s busyvirt "$bin/libvirtd"
rm -f "$build/conformance.json"
"$corpus/sandbox.sh" --logd '' --daemon "$bin/libvirtd -d" -- \
  "$corpus/run.py" --jobs 2 --failed --json "$build/conformance.json" --restart "$bin/libvirtd -d" >"$build/conformance.log" 2>&1
tail -n 30 "$build/conformance.log"
/usr/bin/python3 tests/tools/floor.py check "$build/conformance.json" "$corpus"
