# Sums a TAP file: prints what failed (with its diagnostics) and what was skipped, then "passed failed skipped" to the file
# named by -v sum=. A plan that was not fulfilled, as after a crash, counts as failures, and so does a part without any test.
# Both "ok N # SKIP" and libcmocka's "not ok N # SKIP" are skips. Several plans (one a group) add up.
function flush_failure() { if (failure != "") printf "%s", failure; failure = "" }
/^1\.\.[0-9]+/ { planned += substr($1, 4); next_is_new = 1; next }
/^(not )?ok [0-9]/ {
  flush_failure(); seen++
  if (/# *SKIP/) { skipped++; line = $0; sub(/^(not )?ok [0-9]+ */, "", line); print "  skipped: " line }
  else if (/^ok/) passed++
  else { failed++; line = $0; sub(/^not ok [0-9]+ *-* */, "", line); failure = "  FAILED: " line "\n" }
  next
}
/^#/ { if (failure != "") failure = failure "    " $0 "\n"; else if (/^# note: /) print "  " substr($0, 9); next }
/^Bail out!/ { print "  " $0 }
END {
  flush_failure()
  if (seen < planned) { print "  FAILED: ended after " seen + 0 " of " planned " tests"; failed += planned - seen }
  if (planned == 0 && seen == 0) { print "  FAILED: it reported no test at all"; failed++ }
  print passed + 0, failed + 0, skipped + 0 >sum
}
