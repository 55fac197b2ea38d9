// Values that mocks return, checks of their parameters, and the order in which they are called.
#include <fmt/format.h>

#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "cmocka.h"
#include "cmocka/state.h"

#undef fail
#undef skip
#undef mock

namespace cmocka {

// Says about a value whether it is as announced, adding a message when it is not.
class Check : public std::function<bool(LargestIntegralType)> {
  using function::function;
};

namespace {

// Used `count` times, then gone. Negative counts are never used up; -1 becomes -2 with the first use, which is owed.
struct Uses {
  int count;
  const char* file;
  int line;

  bool owed() const { return count >= -1; }
  // True when this was the last use.
  bool Use() {
    if (count < 0) count = -2;
    return count > 0 && --count == 0;
  }
};
struct Value : Uses {
  LargestIntegralType value;
};
struct Expectation : Uses {
  std::shared_ptr<Check> check;
};
struct Call : Uses {
  std::string function;
};

using Parameter = std::pair<std::string, std::string>;  // of a function
std::map<std::string, std::list<Value>> g_values;
std::map<Parameter, std::list<Expectation>> g_checks;
std::list<Call> g_calls;

void NoteLeftover(const std::string& what, const Uses& item) {
  AddMessage(what);
  AddMessage(fmt::format("{}:{}: note: remaining item was declared here\n", item.file, item.line));
}

[[noreturn]] void StopWith(const std::string& message) {
  AddMessage(message);
  throw Stopped();
}

}  // namespace

void WillReturn(const char* function, const char* file, int line, LargestIntegralType value, int count) {
  g_values[function].push_back({{count, file, line}, value});
}

LargestIntegralType Mock(const char* function, const char* file, int line) {
  auto& values = g_values[function];
  if (values.empty()) {
    AddMessage(fmt::format("No entries for symbol {}.", function));
    StopWith(fmt::format("{}:{}: error: Could not get value to mock function {}", file, line, function));
  }
  LargestIntegralType value = values.front().value;
  if (values.front().Use()) values.pop_front();
  return value;
}

Check* CheckWith(CheckParameterValue function, LargestIntegralType data) {
  return new Check([=](LargestIntegralType value) { return function(value, data) != 0; });
}

namespace {

// A check that holds when Assert(value) does not throw.
template <typename Assert>
Check* Holds(Assert assertion) {
  return new Check([=](LargestIntegralType value) {
    try {
      assertion(value);
    } catch (const Stopped&) {
      return false;
    }
    return true;
  });
}
constexpr const char* kNowhere = nullptr;  // CheckExpected says where

}  // namespace

Check* IsAnything() { return new Check([](LargestIntegralType) { return true; }); }
Check* IsValue(LargestIntegralType expected, bool wanted) {
  return Holds([=](LargestIntegralType value) { AssertEqual(value, expected, wanted, kNowhere, 0); });
}
Check* IsString(const char* string, bool wanted) {
  return Holds([copy = std::string(string), wanted](LargestIntegralType value) {
    AssertString(reinterpret_cast<const char*>(value), copy.c_str(), wanted, kNowhere, 0);
  });
}
Check* IsMemory(const void* memory, std::size_t size, bool wanted) {
  auto* bytes = static_cast<const char*>(memory);
  return Holds([copy = std::string(bytes, size), wanted](LargestIntegralType value) {
    AssertMemory(reinterpret_cast<const void*>(value), copy.data(), copy.size(), wanted, kNowhere, 0);
  });
}
Check* IsInRange(LargestIntegralType minimum, LargestIntegralType maximum, bool wanted) {
  return Holds([=](LargestIntegralType value) { AssertRange(value, minimum, maximum, wanted, kNowhere, 0); });
}
Check* IsInSet(const LargestIntegralType* values, std::size_t count, bool wanted) {
  return Holds([copy = std::vector(values, values + count), wanted](LargestIntegralType value) {
    AssertSet(value, copy.data(), copy.size(), wanted, kNowhere, 0);
  });
}

void Expect(const char* function, const char* parameter, const char* file, int line, Check* check, int count) {
  g_checks[{function, parameter}].push_back({{count, file, line}, std::shared_ptr<Check>(check)});
}

void CheckExpected(const char* function, const char* parameter, const char* file, int line, LargestIntegralType value) {
  auto& checks = g_checks[{function, parameter}];
  if (checks.empty()) {
    AddMessage(fmt::format("No entries for symbol {}.", function));
    StopWith(fmt::format("{}:{}: error: Could not get value to check parameter {} of function {}", file, line, parameter, function));
  }
  Expectation expectation = checks.front();
  if (checks.front().Use()) checks.pop_front();
  if ((*expectation.check)(value)) return;
  AddMessage(fmt::format("{}:{}: error: Check of parameter {}, function {} failed", file, line, parameter, function));
  AddMessage(fmt::format("{}:{}: note: Expected parameter declared here", expectation.file, expectation.line));
  StopAt(file, line);
}

void ExpectFunctionCall(const char* function, const char* file, int line, int times) {
  g_calls.push_back({{times, file, line}, function});
}

void FunctionCalled(const char* function, const char* file, int line) {
  // Calls that may come at any time stand aside, unless they are still owed: those hold their place in the order.
  for (auto call = g_calls.begin(); call != g_calls.end(); ++call) {
    if (call->function == function) {
      if (call->Use()) g_calls.erase(call);
      return;
    }
    if (call->owed()) {
      StopWith(fmt::format("{}:{}: error: Expected call to {} but received called() in {}\n", file, line, call->function, function));
    }
  }
  StopWith(fmt::format("{}:{}: error: No mock calls expected but called() was invoked in {}\n", file, line, function));
}

void ResetExpectations() {
  g_values.clear();
  g_checks.clear();
  g_calls.clear();
}

bool ReportLeftovers() {
  bool any = false;
  for (const auto& [function, values] : g_values)
    for (const auto& value : values)
      if (value.owed()) any = true, NoteLeftover(function + "() has remaining non-returned values.", value);
  for (const auto& [parameter, checks] : g_checks)
    for (const auto& check : checks)
      if (check.owed())
        any = true, NoteLeftover(fmt::format("{}: '{}' parameter still has values that haven't been checked.",
                                             parameter.first, parameter.second), check);
  for (const auto& call : g_calls)
    if (call.owed()) any = true, NoteLeftover(call.function + " function was expected to be called but was not.", call);
  return any;
}

}  // namespace cmocka

void mock_assert(int result, const char* expression, const char* file, int line) {
  if (result) return;
  throw cmocka::MockAssertion{fmt::format("ASSERT: {}\n{}:{}{}", expression, file, line, cmocka::kFailure)};
}
