#!/bin/bash
# Runs every fuzzer for FUZZ_SECONDS (5 unless set), from the seeds in tests/fuzz/corpus/NAME and what long runs found
# (NAME in corpus/found.tar.gz, minimised with -set_cover_merge=1), where there are any. Prints TAP.
#   fuzz.sh BUILD
# An input that breaks one stays in BUILD/crash-*; run the fuzzer with it as its argument to see it again.
set -u
build=$1
cd "$(dirname "$0")/../.." || exit 2
programs=()
for source in tests/fuzz/fuzz_*.cc; do programs+=("$(basename "${source%.cc}")"); done
if ! command -v clang++-16 >/dev/null; then printf '1..1\nok 1 - fuzzers # SKIP clang-16 is not installed\n'; exit 0; fi
echo "1..${#programs[@]}"
number=0 bad=0
for name in "${programs[@]}"; do
  number=$((number + 1))
  corpus=$(mktemp -d)
  tar -xzf tests/fuzz/corpus/found.tar.gz -C "$corpus" --strip-components=1 "${name#fuzz_}" 2>/dev/null
  seeds=(); [ -d "tests/fuzz/corpus/${name#fuzz_}" ] && seeds=("tests/fuzz/corpus/${name#fuzz_}")
  if "$build/$name" -max_total_time="${FUZZ_SECONDS:-5}" -rss_limit_mb=2048 -timeout=10 -max_len=65536 -print_final_stats=1 \
      -artifact_prefix="$build/" "$corpus" "${seeds[@]}" >"$build/$name.log" 2>&1; then
    echo "ok $number - $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log") inputs"
  else
    bad=1
    echo "not ok $number - $name"
    grep -E 'ERROR|SUMMARY|Test unit written|runtime error' "$build/$name.log" | tail -n 12 | sed 's/^/# /'
  fi
  rm -rf "$corpus"
done
exit $bad
