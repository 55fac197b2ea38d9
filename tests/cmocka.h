#pragma once

// cmocka's API (1.1) for C++ test sources, run by GoogleTest: a test program written for <cmocka.h> compiles against this
// header unchanged and gives the same results. Link it with the objects of tests/cmocka/ and -lgtest.
//
// A failed assertion throws, so unlike with libcmocka destructors run; a test must not swallow it with catch (...).

#include <cstdarg>
#include <cstddef>
#include <cstdint>

// Sources written for C's header include it as extern "C".
extern "C++" {

using LargestIntegralType = unsigned long;
using UnitTestFunction = void (*)(void** state);
using CMUnitTestFunction = void (*)(void** state);
using CMFixtureFunction = int (*)(void** state);  // non-zero is a failure
using CheckParameterValue = int (*)(LargestIntegralType value, LargestIntegralType check_data);

#define cast_to_largest_integral_type(value) ((LargestIntegralType)(value))
#define cast_to_pointer_integral_type(value) ((std::uintptr_t)(value))
#define cast_ptr_to_largest_integral_type(value) cast_to_largest_integral_type(cast_to_pointer_integral_type(value))

// --- tests and groups -----------------------------------------------------------------------------

struct CMUnitTest {
  const char* name;
  CMUnitTestFunction test_func;
  CMFixtureFunction setup_func;
  CMFixtureFunction teardown_func;
  void* initial_state;
};

#define cmocka_unit_test(f) {#f, f, nullptr, nullptr, nullptr}
#define cmocka_unit_test_setup(f, setup) {#f, f, setup, nullptr, nullptr}
#define cmocka_unit_test_teardown(f, teardown) {#f, f, nullptr, teardown, nullptr}
#define cmocka_unit_test_setup_teardown(f, setup, teardown) {#f, f, setup, teardown, nullptr}
#define cmocka_unit_test_prestate(f, state) {#f, f, nullptr, nullptr, state}
#define cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, state) {#f, f, setup, teardown, state}

// Both return the number of tests that failed, of which a broken fixture is one; they may be called several times.
#define cmocka_run_group_tests(group, setup, teardown) \
  cmocka::RunGroup(#group, group, sizeof(group) / sizeof((group)[0]), setup, teardown)
#define cmocka_run_group_tests_name(name, group, setup, teardown) \
  cmocka::RunGroup(name, group, sizeof(group) / sizeof((group)[0]), setup, teardown)

// The interface of before 1.0: a list in which fixtures stand beside their tests.
enum UnitTestFunctionType {
  UNIT_TEST_FUNCTION_TYPE_TEST,
  UNIT_TEST_FUNCTION_TYPE_SETUP,
  UNIT_TEST_FUNCTION_TYPE_TEARDOWN,
  UNIT_TEST_FUNCTION_TYPE_GROUP_SETUP,
  UNIT_TEST_FUNCTION_TYPE_GROUP_TEARDOWN,
};
struct UnitTest {
  const char* name;
  UnitTestFunction function;
  UnitTestFunctionType function_type;
};

#define unit_test(f) {#f, f, UNIT_TEST_FUNCTION_TYPE_TEST}
#define _unit_test_setup(test, setup) {#test "_" #setup, setup, UNIT_TEST_FUNCTION_TYPE_SETUP}
#define _unit_test_teardown(test, teardown) {#test "_" #teardown, teardown, UNIT_TEST_FUNCTION_TYPE_TEARDOWN}
#define unit_test_setup(test, setup) _unit_test_setup(test, setup), unit_test(test), _unit_test_teardown(test, nullptr)
#define unit_test_teardown(test, teardown) _unit_test_setup(test, nullptr), unit_test(test), _unit_test_teardown(test, teardown)
#define unit_test_setup_teardown(test, setup, teardown) \
  _unit_test_setup(test, setup), unit_test(test), _unit_test_teardown(test, teardown)
#define group_test_setup(setup) {"group_" #setup, setup, UNIT_TEST_FUNCTION_TYPE_GROUP_SETUP}
#define group_test_teardown(teardown) {"group_" #teardown, teardown, UNIT_TEST_FUNCTION_TYPE_GROUP_TEARDOWN}
#define run_tests(tests) cmocka::RunList(#tests, tests, sizeof(tests) / sizeof((tests)[0]))
#define run_group_tests(tests) cmocka::RunList(#tests, tests, sizeof(tests) / sizeof((tests)[0]))

enum cm_message_output { CM_OUTPUT_STDOUT, CM_OUTPUT_SUBUNIT, CM_OUTPUT_TAP, CM_OUTPUT_XML };
// CMOCKA_MESSAGE_OUTPUT in the environment goes before it.
void cmocka_set_message_output(cm_message_output output);
// Patterns with * and ?: run only the tests that match, leave out those that match. They must stay alive.
void cmocka_set_test_filter(const char* pattern);
void cmocka_set_skip_filter(const char* pattern);

// --- assertions -----------------------------------------------------------------------------------

#define CMOCKA_HERE __FILE__, __LINE__
#define assert_true(c) cmocka::AssertTrue((c) ? 1 : 0, #c, CMOCKA_HERE)
#define assert_false(c) cmocka::AssertTrue((c) ? 0 : 1, #c, CMOCKA_HERE)
#define assert_non_null(c) cmocka::AssertTrue(cast_ptr_to_largest_integral_type(c), #c, CMOCKA_HERE)
#define assert_null(c) cmocka::AssertTrue(!cast_ptr_to_largest_integral_type(c), #c, CMOCKA_HERE)
#define assert_return_code(rc, error) \
  cmocka::AssertReturnCode(cast_to_largest_integral_type(rc), sizeof(rc), cast_to_largest_integral_type(error), #rc, CMOCKA_HERE)
#define assert_ptr_equal(a, b) \
  cmocka::AssertEqual(cast_ptr_to_largest_integral_type(a), cast_ptr_to_largest_integral_type(b), true, CMOCKA_HERE)
#define assert_ptr_not_equal(a, b) \
  cmocka::AssertEqual(cast_ptr_to_largest_integral_type(a), cast_ptr_to_largest_integral_type(b), false, CMOCKA_HERE)
#define assert_int_equal(a, b) \
  cmocka::AssertEqual(cast_to_largest_integral_type(a), cast_to_largest_integral_type(b), true, CMOCKA_HERE)
#define assert_int_not_equal(a, b) \
  cmocka::AssertEqual(cast_to_largest_integral_type(a), cast_to_largest_integral_type(b), false, CMOCKA_HERE)
#define assert_float_equal(a, b, epsilon) cmocka::AssertFloat((float)(a), (float)(b), (float)(epsilon), true, CMOCKA_HERE)
#define assert_float_not_equal(a, b, epsilon) cmocka::AssertFloat((float)(a), (float)(b), (float)(epsilon), false, CMOCKA_HERE)
#define assert_string_equal(a, b) cmocka::AssertString((const char*)(a), (const char*)(b), true, CMOCKA_HERE)
#define assert_string_not_equal(a, b) cmocka::AssertString((const char*)(a), (const char*)(b), false, CMOCKA_HERE)
#define assert_memory_equal(a, b, size) cmocka::AssertMemory((const void*)(a), (const void*)(b), size, true, CMOCKA_HERE)
#define assert_memory_not_equal(a, b, size) cmocka::AssertMemory((const void*)(a), (const void*)(b), size, false, CMOCKA_HERE)
#define assert_in_range(value, minimum, maximum) \
  cmocka::AssertRange(cast_to_largest_integral_type(value), cast_to_largest_integral_type(minimum), \
                      cast_to_largest_integral_type(maximum), true, CMOCKA_HERE)
#define assert_not_in_range(value, minimum, maximum) \
  cmocka::AssertRange(cast_to_largest_integral_type(value), cast_to_largest_integral_type(minimum), \
                      cast_to_largest_integral_type(maximum), false, CMOCKA_HERE)
#define assert_in_set(value, values, count) cmocka::AssertSet(cast_to_largest_integral_type(value), values, count, true, CMOCKA_HERE)
#define assert_not_in_set(value, values, count) cmocka::AssertSet(cast_to_largest_integral_type(value), values, count, false, CMOCKA_HERE)

#define fail() cmocka::Fail(CMOCKA_HERE)
#define fail_msg(msg, ...) (print_error("ERROR: " msg "\n", ##__VA_ARGS__), fail())
#define skip() cmocka::Skip(CMOCKA_HERE)

void mock_assert(int result, const char* expression, const char* file, int line);
#define expect_assert_failure(call) cmocka::ExpectAssertFailure([&] { call; }, #call, CMOCKA_HERE)

// --- mocks ----------------------------------------------------------------------------------------

#define mock() cmocka::Mock(__func__, CMOCKA_HERE)
#define mock_type(type) ((type)mock())
#define mock_ptr_type(type) ((type)(std::uintptr_t)mock())
#define will_return(function, value) cmocka::WillReturn(#function, CMOCKA_HERE, cast_to_largest_integral_type(value), 1)
#define will_return_count(function, value, count) cmocka::WillReturn(#function, CMOCKA_HERE, cast_to_largest_integral_type(value), count)
#define WILL_RETURN_ALWAYS -1
#define WILL_RETURN_ONCE -2
// Always must be used at least once, maybe need not.
#define will_return_always(function, value) will_return_count(function, (value), WILL_RETURN_ALWAYS)
#define will_return_maybe(function, value) will_return_count(function, (value), WILL_RETURN_ONCE)

#define check_expected(parameter) cmocka::CheckExpected(__func__, #parameter, CMOCKA_HERE, cast_to_largest_integral_type(parameter))
#define check_expected_ptr(parameter) \
  cmocka::CheckExpected(__func__, #parameter, CMOCKA_HERE, cast_ptr_to_largest_integral_type(parameter))

#define CMOCKA_EXPECT(function, parameter, count, check) cmocka::Expect(#function, #parameter, CMOCKA_HERE, check, count)
#define expect_check(function, parameter, check_function, check_data) \
  CMOCKA_EXPECT(function, parameter, 1, cmocka::CheckWith(check_function, cast_ptr_to_largest_integral_type(check_data)))
#define expect_any(function, parameter) expect_any_count(function, parameter, 1)
#define expect_any_always(function, parameter) expect_any_count(function, parameter, WILL_RETURN_ALWAYS)
#define expect_any_count(function, parameter, count) CMOCKA_EXPECT(function, parameter, count, cmocka::IsAnything())
#define expect_value(function, parameter, value) expect_value_count(function, parameter, value, 1)
#define expect_value_count(function, parameter, value, count) \
  CMOCKA_EXPECT(function, parameter, count, cmocka::IsValue(cast_to_largest_integral_type(value), true))
#define expect_not_value(function, parameter, value) expect_not_value_count(function, parameter, value, 1)
#define expect_not_value_count(function, parameter, value, count) \
  CMOCKA_EXPECT(function, parameter, count, cmocka::IsValue(cast_to_largest_integral_type(value), false))
#define expect_string(function, parameter, string) expect_string_count(function, parameter, string, 1)
#define expect_string_count(function, parameter, string, count) \
  CMOCKA_EXPECT(function, parameter, count, cmocka::IsString((const char*)(string), true))
#define expect_not_string(function, parameter, string) expect_not_string_count(function, parameter, string, 1)
#define expect_not_string_count(function, parameter, string, count) \
  CMOCKA_EXPECT(function, parameter, count, cmocka::IsString((const char*)(string), false))
#define expect_memory(function, parameter, memory, size) expect_memory_count(function, parameter, memory, size, 1)
#define expect_memory_count(function, parameter, memory, size, count) \
  CMOCKA_EXPECT(function, parameter, count, cmocka::IsMemory((const void*)(memory), size, true))
#define expect_not_memory(function, parameter, memory, size) expect_not_memory_count(function, parameter, memory, size, 1)
#define expect_not_memory_count(function, parameter, memory, size, count) \
  CMOCKA_EXPECT(function, parameter, count, cmocka::IsMemory((const void*)(memory), size, false))
#define expect_in_range(function, parameter, minimum, maximum) expect_in_range_count(function, parameter, minimum, maximum, 1)
#define expect_in_range_count(function, parameter, minimum, maximum, count) \
  CMOCKA_EXPECT(function, parameter, count, cmocka::IsInRange(minimum, maximum, true))
#define expect_not_in_range(function, parameter, minimum, maximum) expect_not_in_range_count(function, parameter, minimum, maximum, 1)
#define expect_not_in_range_count(function, parameter, minimum, maximum, count) \
  CMOCKA_EXPECT(function, parameter, count, cmocka::IsInRange(minimum, maximum, false))
#define expect_in_set(function, parameter, values) expect_in_set_count(function, parameter, values, 1)
#define expect_in_set_count(function, parameter, values, count) \
  CMOCKA_EXPECT(function, parameter, count, cmocka::IsInSet(values, sizeof(values) / sizeof((values)[0]), true))
#define expect_not_in_set(function, parameter, values) expect_not_in_set_count(function, parameter, values, 1)
#define expect_not_in_set_count(function, parameter, values, count) \
  CMOCKA_EXPECT(function, parameter, count, cmocka::IsInSet(values, sizeof(values) / sizeof((values)[0]), false))

// The order of calls, over all functions that say function_called().
#define function_called() cmocka::FunctionCalled(__func__, CMOCKA_HERE)
#define expect_function_calls(function, times) cmocka::ExpectFunctionCall(#function, CMOCKA_HERE, times)
#define expect_function_call(function) expect_function_calls(function, 1)
#define expect_function_call_any(function) expect_function_calls(function, -1)
#define ignore_function_calls(function) expect_function_calls(function, -2)

// --- memory that is watched for leaks and overruns --------------------------------------------------

#define test_malloc(size) cmocka::Malloc(size, CMOCKA_HERE)
#define test_calloc(count, size) cmocka::Calloc(count, size, CMOCKA_HERE)
#define test_realloc(block, size) cmocka::Realloc(block, size, CMOCKA_HERE)
#define test_free(block) cmocka::Free(block, CMOCKA_HERE)
#ifdef UNIT_TESTING
#define malloc test_malloc
#define calloc test_calloc
#define realloc test_realloc
#define free test_free
#endif

void print_message(const char* format, ...) __attribute__((format(printf, 1, 2)));
void print_error(const char* format, ...) __attribute__((format(printf, 1, 2)));
void vprint_message(const char* format, va_list args) __attribute__((format(printf, 1, 0)));
void vprint_error(const char* format, va_list args) __attribute__((format(printf, 1, 0)));

// What the macros above call. `wanted` is false for the not_ forms; all Assert* return or throw.
namespace cmocka {

int RunGroup(const char* name, const CMUnitTest* tests, std::size_t count, CMFixtureFunction setup, CMFixtureFunction teardown);
int RunList(const char* name, const UnitTest* list, std::size_t count);

void AssertTrue(LargestIntegralType result, const char* expression, const char* file, int line);
void AssertReturnCode(LargestIntegralType result, std::size_t size, LargestIntegralType error, const char* expression,
                      const char* file, int line);
void AssertEqual(LargestIntegralType a, LargestIntegralType b, bool wanted, const char* file, int line);
void AssertFloat(float a, float b, float epsilon, bool wanted, const char* file, int line);
void AssertString(const char* a, const char* b, bool wanted, const char* file, int line);
void AssertMemory(const void* a, const void* b, std::size_t size, bool wanted, const char* file, int line);
void AssertRange(LargestIntegralType value, LargestIntegralType minimum, LargestIntegralType maximum, bool wanted,
                 const char* file, int line);
void AssertSet(LargestIntegralType value, const LargestIntegralType* values, std::size_t count, bool wanted, const char* file,
               int line);
[[noreturn]] void Fail(const char* file, int line);
[[noreturn]] void Skip(const char* file, int line);

// True when `run` came to a mock_assert that failed, which it then ends at.
bool CatchesMockAssert(void (*run)(void*), void* argument);
template <typename Run>
void ExpectAssertFailure(Run run, const char* call, const char* file, int line) {
  if (CatchesMockAssert([](void* r) { (*static_cast<Run*>(r))(); }, &run)) return;
  print_error("Expected assert in %s\n", call);
  Fail(file, line);
}

LargestIntegralType Mock(const char* function, const char* file, int line);
void WillReturn(const char* function, const char* file, int line, LargestIntegralType value, int count);

// A check of a parameter that is yet to come; copies what it compares with, except check_data.
class Check;
Check* CheckWith(CheckParameterValue function, LargestIntegralType data);
Check* IsAnything();
Check* IsValue(LargestIntegralType value, bool wanted);
Check* IsString(const char* string, bool wanted);
Check* IsMemory(const void* memory, std::size_t size, bool wanted);
Check* IsInRange(LargestIntegralType minimum, LargestIntegralType maximum, bool wanted);
Check* IsInSet(const LargestIntegralType* values, std::size_t count, bool wanted);
// Takes `check`.
void Expect(const char* function, const char* parameter, const char* file, int line, Check* check, int count);
void CheckExpected(const char* function, const char* parameter, const char* file, int line, LargestIntegralType value);

void FunctionCalled(const char* function, const char* file, int line);
void ExpectFunctionCall(const char* function, const char* file, int line, int times);

void* Malloc(std::size_t size, const char* file, int line);
void* Calloc(std::size_t count, std::size_t size, const char* file, int line);
void* Realloc(void* block, std::size_t size, const char* file, int line);
void Free(void* block, const char* file, int line);

}  // namespace cmocka

}  // extern "C++"
