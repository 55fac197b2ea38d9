// Groups of cmocka tests as GoogleTest's: each test is registered there, run by it, and reported in cmocka's formats.
#include <fmt/format.h>
#include <fnmatch.h>
#include <gtest/gtest.h>
#include <setjmp.h>
#include <signal.h>

#include <cstdlib>
#include <exception>
#include <functional>
#include <span>
#include <utility>

#include "cmocka/report.h"
#include "cmocka/state.h"
// Last: it makes macros of words that the headers above use.
#include "cmocka.h"

#undef fail
#undef skip

namespace cmocka {
namespace {

// A test of either interface; fixtures return non-zero for a failure and may be empty.
using FixtureStep = std::function<int(void**)>;
struct Case {
  const char* name;
  std::function<void(void**)> test;
  FixtureStep setup, teardown;
  void* initial_state;  // where the group has none
};

// The test that runs now.
std::string g_message;
sigjmp_buf g_crash;
volatile sig_atomic_t g_crash_signal;
constexpr int kCrashSignals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS};

const char* g_test_filter = nullptr;
const char* g_skip_filter = nullptr;
Format g_format = Format::kStdout;

void OnCrash(int signo) {
  g_crash_signal = signo;
  siglongjmp(g_crash, 1);
}

// Runs `step` and says how it went; what it left as messages is in g_message.
template <typename Step>
Outcome Guard(Step step) {
  struct sigaction catching {}, before[std::size(kCrashSignals)];
  catching.sa_handler = OnCrash;
  catching.sa_flags = SA_NODEFER;
  for (size_t i = 0; i < std::size(kCrashSignals); i++) sigaction(kCrashSignals[i], &catching, &before[i]);
  volatile Outcome outcome = Outcome::kPassed;
  if (sigsetjmp(g_crash, 1) == 0) {
    try {
      outcome = step() ? Outcome::kPassed : Outcome::kFailed;
    } catch (const Stopped&) {
      outcome = Outcome::kFailed;
    } catch (const MockAssertion& assertion) {
      AddMessage(assertion.message);
      outcome = Outcome::kFailed;
    } catch (const Skipped&) {
      outcome = Outcome::kSkipped;
    } catch (const std::exception& error) {
      AddMessage(std::string("Test failed with exception: ") + error.what());
      outcome = Outcome::kFailed;
    }
  } else {
    AddMessage(fmt::format("Test failed with exception: {}({})", strsignal(g_crash_signal), int{g_crash_signal}));
    outcome = Outcome::kFailed;
  }
  for (size_t i = 0; i < std::size(kCrashSignals); i++) sigaction(kCrashSignals[i], &before[i], nullptr);
  return outcome;
}

// One fixture; what a broken one is reported as goes to g_message.
bool Fixture(const FixtureStep& function, void** state, const char* kind) {
  Outcome outcome = Guard([&] { return function(state) == 0; });
  if (outcome == Outcome::kPassed) return true;
  g_message += fmt::format("Test {} failed", kind);
  return false;
}

Outcome RunTest(const Case& test, void* group_state) {
  void* state = group_state ? group_state : test.initial_state;
  ResetExpectations();
  g_message.clear();
  size_t before_setup = AllocationMark();
  if (test.setup && !Fixture(test.setup, &state, "setup")) return Outcome::kError;

  size_t before_test = AllocationMark();
  Outcome outcome = Guard([&] {
    test.test(&state);
    return true;
  });
  if (outcome == Outcome::kPassed && (ReportLeftovers() | ReportLeaks(before_test, test.name))) outcome = Outcome::kFailed;
  ForgetBlocks(before_test);

  // What the set-up allocated is the tear-down's to free.
  auto tear_down = [&](void** s) { return test.teardown(s) != 0 || ReportLeaks(before_setup, test.name) ? -1 : 0; };
  if (test.teardown && !Fixture(tear_down, &state, "teardown")) outcome = Outcome::kError;
  ForgetBlocks(before_setup);
  return outcome;
}

// The body of a registered test: hands its result to `result`, and to GoogleTest what it has to know.
class Registered : public testing::Test {
 public:
  Registered(const Case& test, void* group_state, Outcome* outcome) : test_(test), state_(group_state), outcome_(outcome) {}
  void TestBody() override {
    *outcome_ = RunTest(test_, state_);
    if (*outcome_ == Outcome::kSkipped) GTEST_SKIP();
    if (*outcome_ != Outcome::kPassed) ADD_FAILURE() << g_message;
  }

 private:
  const Case& test_;
  void* state_;
  Outcome* outcome_;
};

// Turns GoogleTest's events about one group into a report.
class GroupListener : public testing::EmptyTestEventListener {
 public:
  GroupListener(Report& report, GroupResult& group, const Outcome& outcome) : report_(report), group_(group), outcome_(outcome) {}
  void OnTestStart(const testing::TestInfo& test) override { report_.BeginCase(test.name()); }
  void OnTestEnd(const testing::TestInfo& test) override {
    group_.cases.push_back({test.name(), outcome_, g_message, test.result()->elapsed_time() / 1000.0});
    report_.EndCase(group_.cases.back(), group_.cases.size());
  }

 private:
  Report& report_;
  GroupResult& group_;
  const Outcome& outcome_;
};

void StartGoogleTest() {
  static bool started = false;
  if (started) return;
  started = true;
  static char name[] = "cmocka";
  static char* argv[] = {name, nullptr};
  int argc = 1;
  testing::InitGoogleTest(&argc, argv);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
}

bool Selected(const char* name) {
  if (g_test_filter && fnmatch(g_test_filter, name, 0) != 0) return false;
  return !g_skip_filter || fnmatch(g_skip_filter, name, 0) != 0;
}

}  // namespace

void AddMessage(const std::string& line) {
  if (!g_message.empty() && g_message.back() != '\n') g_message += '\n';
  g_message += line;
}

namespace {

int RunCases(const char* name, const std::vector<Case>& cases, const FixtureStep& setup, const FixtureStep& teardown) {
  static int number = 0;
  static std::unique_ptr<Report> report;
  StartGoogleTest();
  if (!report) report = MakeReport(FormatFromEnvironment(g_format));
  GroupResult group{.name = name};
  report->BeginGroup(group.name, cases.size());

  void* state = nullptr;
  g_message.clear();
  if (setup && !Fixture(setup, &state, "setup")) {
    group.setup_failed = true;
    report->GroupSetupFailed(group.name);
  } else {
    Outcome outcome = Outcome::kPassed;
    std::string suite = fmt::format("Group{}", number++);
    for (const Case& test : cases) {
      testing::RegisterTest(suite.c_str(), test.name, nullptr, nullptr, __FILE__, __LINE__,
                            [&]() -> testing::Test* { return new Registered(test, state, &outcome); });
    }
    auto* listener = new GroupListener(*report, group, outcome);
    testing::UnitTest::GetInstance()->listeners().Append(listener);
    testing::GTEST_FLAG(filter) = suite + ".*";
    // Its answer covers the groups before this one too; the listener has counted.
    [[maybe_unused]] int unused = RUN_ALL_TESTS();
    delete testing::UnitTest::GetInstance()->listeners().Release(listener);
    g_message.clear();
    if (teardown && !Fixture(teardown, &state, "teardown")) {
      group.teardown_failed = true;
      report->GroupTeardownFailed(group.name);
    }
  }
  report->EndGroup(group);
  return static_cast<int>(group.Count(Outcome::kFailed) + group.Count(Outcome::kError)) + group.setup_failed;
}

// An old-style fixture: it fails by an assertion only.
FixtureStep Step(UnitTestFunction function) {
  if (!function) return {};
  return [function](void** state) { return function(state), 0; };
}

}  // namespace

int RunGroup(const char* name, const CMUnitTest* tests, std::size_t count, CMFixtureFunction setup, CMFixtureFunction teardown) {
  std::vector<Case> cases;
  for (const CMUnitTest& test : std::span(tests, count)) {
    if (!test.test_func || !Selected(test.name)) continue;
    Case one{test.name, test.test_func, {}, {}, test.initial_state};
    if (test.setup_func) one.setup = test.setup_func;
    if (test.teardown_func) one.teardown = test.teardown_func;
    cases.push_back(std::move(one));
  }
  return RunCases(name, cases, setup ? FixtureStep(setup) : nullptr, teardown ? FixtureStep(teardown) : nullptr);
}

int RunList(const char* name, const UnitTest* list, std::size_t count) {
  FixtureStep group_setup, group_teardown, setup;
  std::vector<Case> cases;
  for (const UnitTest& item : std::span(list, count)) {
    switch (item.function_type) {
      case UNIT_TEST_FUNCTION_TYPE_GROUP_SETUP: group_setup = Step(item.function); break;
      case UNIT_TEST_FUNCTION_TYPE_GROUP_TEARDOWN: group_teardown = Step(item.function); break;
      case UNIT_TEST_FUNCTION_TYPE_SETUP: setup = Step(item.function); break;
      case UNIT_TEST_FUNCTION_TYPE_TEST:
        cases.push_back({item.name, item.function, std::exchange(setup, {}), {}, nullptr});
        break;
      case UNIT_TEST_FUNCTION_TYPE_TEARDOWN:
        if (!cases.empty()) cases.back().teardown = Step(item.function);
        break;
    }
  }
  return RunCases(name, cases, group_setup, group_teardown);
}

}  // namespace cmocka

void cmocka_set_message_output(cm_message_output output) {
  constexpr cmocka::Format kFormats[] = {cmocka::Format::kStdout, cmocka::Format::kSubunit, cmocka::Format::kTap,
                                         cmocka::Format::kXml};
  cmocka::g_format = kFormats[output];
}
void cmocka_set_test_filter(const char* pattern) { cmocka::g_test_filter = pattern; }
void cmocka_set_skip_filter(const char* pattern) { cmocka::g_skip_filter = pattern; }

void vprint_message(const char* format, va_list args) {
  vprintf(format, args);
  fflush(stdout);
}
void vprint_error(const char* format, va_list args) { vfprintf(stderr, format, args); }
void print_message(const char* format, ...) {
  va_list args;
  va_start(args, format);
  vprint_message(format, args);
  va_end(args);
}
void print_error(const char* format, ...) {
  va_list args;
  va_start(args, format);
  vprint_error(format, args);
  va_end(args);
}
