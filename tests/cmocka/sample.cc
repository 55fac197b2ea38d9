// A suite that is built twice, for Debian's libcmocka and for ours, and must give the same results: passing, failing,
// skipped, crashing and leaking tests, broken fixtures, mocks in and out of order. compare.sh runs it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <string.h>

extern "C" {
#include <cmocka.h>
}

namespace {

// --- what is tested: a gauge that reads from a sensor, both mocked ---
int ReadSensor(int channel) {
  check_expected(channel);
  return mock_type(int);
}
const char* SensorName() { return mock_ptr_type(const char*); }
void Store(const char* key, const void* data, size_t size) {
  check_expected_ptr(key);
  check_expected_ptr(data);
  check_expected(size);
}
void Open() { function_called(); }
void Close() { function_called(); }
void Divide(int by) { mock_assert(by != 0, "by != 0", "gauge.c", 7); }

#define TEST(name) void name(void** state)
#define UNUSED (void)state

TEST(asserts_that_hold) {
  UNUSED;
  char text[] = "text", other[] = "text";
  LargestIntegralType set[] = {1, 2, 3};
  assert_true(1 == 1);
  assert_false(0);
  assert_non_null(text);
  assert_null(nullptr);
  assert_ptr_equal(text, text);
  assert_ptr_not_equal(text, other);
  assert_int_equal(-1, -1);
  assert_int_not_equal(1, 2);
  assert_float_equal(1.0f, 1.05f, 0.1f);
  assert_float_not_equal(1.0f, 2.0f, 0.1f);
  assert_string_equal(text, other);
  assert_string_not_equal(text, "other");
  assert_memory_equal(text, other, sizeof(text));
  assert_memory_not_equal(text, "other", 4);
  assert_in_range(5, 1, 5);
  assert_not_in_range(6, 1, 5);
  assert_in_set(2, set, 3);
  assert_not_in_set(4, set, 3);
  assert_return_code(0, EINVAL);
}
TEST(fails_true) { UNUSED; assert_true(1 == 2); }
TEST(fails_null) { UNUSED; assert_null("something"); }
TEST(fails_int) { UNUSED; assert_int_equal(1, 0); }
TEST(fails_int_not) { UNUSED; assert_int_not_equal(3, 3); }
TEST(fails_float) { UNUSED; assert_float_equal(1.0f, 1.5f, 0.1f); }
TEST(fails_string) { UNUSED; assert_string_equal("ab", "ba"); }
TEST(fails_memory) { UNUSED; assert_memory_equal("abcd", "abdd", 4); }
TEST(fails_range) { UNUSED; assert_in_range(5, 6, 9); }
TEST(fails_range_not) { UNUSED; assert_not_in_range(7, 6, 9); }
TEST(fails_set) { UNUSED; LargestIntegralType set[] = {1, 2}; assert_in_set(5, set, 2); }
TEST(fails_return_code) { UNUSED; assert_return_code(-1, ENOENT); }
TEST(fails_plainly) { UNUSED; fail(); }
TEST(fails_with_message) { UNUSED; fail_msg("channel %d is dead", 3); }
TEST(is_skipped) { UNUSED; skip(); }
TEST(crashes) { UNUSED; volatile char* nowhere = nullptr; *nowhere = 1; }

TEST(mock_returns_in_order) {
  UNUSED;
  expect_value(ReadSensor, channel, 1);
  expect_any(ReadSensor, channel);
  will_return(ReadSensor, 10);
  will_return(ReadSensor, 20);
  will_return(SensorName, "left");
  assert_int_equal(ReadSensor(1), 10);
  assert_int_equal(ReadSensor(7), 20);
  assert_string_equal(SensorName(), "left");
}
TEST(mock_counts) {
  UNUSED;
  expect_in_range_count(ReadSensor, channel, 0, 3, 2);
  will_return_count(ReadSensor, 5, 2);
  assert_int_equal(ReadSensor(0) + ReadSensor(3), 10);
}
TEST(mock_always) {
  UNUSED;
  expect_any_always(ReadSensor, channel);
  will_return_always(ReadSensor, 5);
  for (int i = 0; i < 5; i++) assert_int_equal(ReadSensor(i), 5);
}
TEST(mock_maybe_unused) { UNUSED; will_return_maybe(ReadSensor, 5); }
TEST(mock_always_unused_fails) { UNUSED; will_return_always(ReadSensor, 5); }
TEST(mock_left_over_fails) { UNUSED; will_return(ReadSensor, 5); }
TEST(mock_without_value_fails) { UNUSED; SensorName(); }
TEST(check_holds) {
  UNUSED;
  expect_string(Store, key, "gauge");
  expect_memory(Store, data, "12", 2);
  expect_not_value(Store, size, 3);
  Store("gauge", "12", 2);
  LargestIntegralType sizes[] = {2, 4};
  expect_not_string(Store, key, "gauge");
  expect_not_memory(Store, data, "13", 2);
  expect_in_set(Store, size, sizes);
  Store("meter", "12", 4);
}
TEST(check_fails) { UNUSED; expect_value(ReadSensor, channel, 1); ReadSensor(2); }
TEST(check_of_string_fails) {
  UNUSED;
  expect_string(Store, key, "gauge");
  Store("meter", nullptr, 0);
}
TEST(check_without_expectation_fails) { UNUSED; ReadSensor(2); }
TEST(check_left_over_fails) { UNUSED; expect_value(ReadSensor, channel, 1); }
int IsEven(const LargestIntegralType value, const LargestIntegralType) { return value % 2 == 0; }
TEST(check_function) { UNUSED; expect_check(Store, key, IsEven, nullptr); expect_any(Store, data); expect_any(Store, size); Store(nullptr, nullptr, 1); }

TEST(calls_in_order) {
  UNUSED;
  expect_function_call(Open);
  expect_function_calls(Close, 2);
  Open();
  Close();
  Close();
}
TEST(calls_out_of_order_fail) { UNUSED; expect_function_call(Open); expect_function_call(Close); Close(); Open(); }
TEST(calls_unexpected_fail) { UNUSED; Open(); }
TEST(calls_missing_fail) { UNUSED; expect_function_call(Open); }
TEST(calls_any) { UNUSED; expect_function_call_any(Open); expect_function_call(Close); Open(); Close(); Open(); }
TEST(calls_any_missing_fails) { UNUSED; expect_function_call_any(Open); }
TEST(calls_ignored) { UNUSED; ignore_function_calls(Open); expect_function_call(Close); Open(); Close(); Open(); }

TEST(assert_failure_is_expected) { UNUSED; expect_assert_failure(Divide(0)); }
TEST(assert_failure_missing_fails) { UNUSED; expect_assert_failure(Divide(1)); }
TEST(assert_failure_unexpected_fails) { UNUSED; Divide(0); }

TEST(memory_is_freed) {
  UNUSED;
  char* block = (char*)test_calloc(2, 4);
  assert_int_equal(block[7], 0);
  block = (char*)test_realloc(block, 100);
  test_free(block);
}
TEST(leak_fails) { UNUSED; char* block = (char*)test_malloc(4); memset(block, 1, 4); }
TEST(overrun_fails) {
  UNUSED;
  char* volatile block = (char*)test_malloc(4);
  block[4] = 1;
  test_free(block);
}

int GroupState(void** state) { *state = (void*)"group"; return 0; }
int OwnState(void** state) { *state = (void*)"own"; return 0; }
int Allocate(void** state) { *state = test_malloc(3); return 0; }
int Release(void** state) { test_free(*state); return 0; }
int Nothing(void**) { return 0; }
int Breaks(void**) { return -1; }
int Asserts(void**) { assert_int_equal(1, 2); return 0; }
TEST(sees_group_state) { assert_string_equal((char*)*state, "group"); }
TEST(sees_own_state) { assert_string_equal((char*)*state, "own"); }
TEST(passes) { UNUSED; }

void OldSetup(void** state) { *state = (void*)"old"; }
void OldTeardown(void** state) { *state = nullptr; }
TEST(old_passes) { assert_string_equal((char*)*state, "old"); }
TEST(old_fails) { UNUSED; assert_int_equal(1, 2); }

}  // namespace

int main(int argc, char** argv) {
  // Alone, since libcmocka ends the program at the next group after it found an overrun.
  if (argc > 1 && strcmp(argv[1], "overrun") == 0) {
    const CMUnitTest overrun[] = {cmocka_unit_test(overrun_fails)};
    return cmocka_run_group_tests(overrun, nullptr, nullptr);
  }
  if (argc > 1 && strcmp(argv[1], "old") == 0) {
    const UnitTest list[] = {unit_test_setup_teardown(old_passes, OldSetup, OldTeardown), unit_test(old_fails),
                             unit_test_setup(old_passes, OldSetup), unit_test_teardown(old_fails, OldTeardown)};
    const UnitTest group[] = {group_test_setup(OldSetup), unit_test(old_passes), group_test_teardown(OldTeardown)};
    print_message("returned %d\n", run_tests(list));
    print_message("returned %d\n", run_group_tests(group));
    return 0;
  }

  const CMUnitTest values[] = {
      cmocka_unit_test(asserts_that_hold), cmocka_unit_test(fails_true), cmocka_unit_test(fails_null),
      cmocka_unit_test(fails_int), cmocka_unit_test(fails_int_not), cmocka_unit_test(fails_float),
      cmocka_unit_test(fails_string), cmocka_unit_test(fails_memory), cmocka_unit_test(fails_range),
      cmocka_unit_test(fails_range_not), cmocka_unit_test(fails_set), cmocka_unit_test(fails_return_code),
      cmocka_unit_test(fails_plainly), cmocka_unit_test(fails_with_message), cmocka_unit_test(is_skipped),
      cmocka_unit_test(crashes), cmocka_unit_test(passes),
  };
  const CMUnitTest mocks[] = {
      cmocka_unit_test(mock_returns_in_order), cmocka_unit_test(mock_counts), cmocka_unit_test(mock_always),
      cmocka_unit_test(mock_maybe_unused), cmocka_unit_test(mock_always_unused_fails), cmocka_unit_test(mock_left_over_fails),
      cmocka_unit_test(mock_without_value_fails), cmocka_unit_test(check_holds), cmocka_unit_test(check_fails),
      cmocka_unit_test(check_of_string_fails), cmocka_unit_test(check_without_expectation_fails),
      cmocka_unit_test(check_left_over_fails), cmocka_unit_test(check_function), cmocka_unit_test(calls_in_order),
      cmocka_unit_test(calls_out_of_order_fail), cmocka_unit_test(calls_unexpected_fail), cmocka_unit_test(calls_missing_fail),
      cmocka_unit_test(calls_any), cmocka_unit_test(calls_any_missing_fails), cmocka_unit_test(calls_ignored),
      cmocka_unit_test(assert_failure_is_expected), cmocka_unit_test(assert_failure_missing_fails),
      cmocka_unit_test(assert_failure_unexpected_fails),
  };
  const CMUnitTest fixtures[] = {
      cmocka_unit_test(sees_group_state),
      cmocka_unit_test_setup(sees_own_state, OwnState),
      cmocka_unit_test_prestate(sees_own_state, (void*)"own"),
      cmocka_unit_test_prestate_setup_teardown(sees_own_state, Nothing, Nothing, (void*)"own"),
      cmocka_unit_test_setup(passes, Breaks),
      cmocka_unit_test_setup(passes, Asserts),
      cmocka_unit_test_teardown(passes, Breaks),
      cmocka_unit_test_setup_teardown(passes, Allocate, Release),
      cmocka_unit_test_setup_teardown(passes, Allocate, Nothing),
      cmocka_unit_test(memory_is_freed),
      cmocka_unit_test(leak_fails),
  };
  const CMUnitTest few[] = {cmocka_unit_test(passes), cmocka_unit_test(is_skipped)};

  int counts[6];
  counts[0] = cmocka_run_group_tests(values, nullptr, nullptr);
  counts[1] = cmocka_run_group_tests_name("mocks", mocks, nullptr, nullptr);
  counts[2] = cmocka_run_group_tests_name("fixtures", fixtures, GroupState, nullptr);
  counts[3] = cmocka_run_group_tests_name("broken set-up", few, Breaks, nullptr);
  counts[4] = cmocka_run_group_tests_name("broken tear-down", few, nullptr, Breaks);
  cmocka_set_test_filter("mock_*");
  cmocka_set_skip_filter("*_fails");
  counts[5] = cmocka_run_group_tests_name("filtered", mocks, nullptr, nullptr);
  for (int count : counts) print_message("returned %d\n", count);
  return 0;
}
