// cmocka's assertions: each says what it compared and ends the test.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <cstring>

#include "cmocka.h"
#include "cmocka/state.h"

#undef fail
#undef skip

namespace cmocka {
namespace {

std::string Hex(LargestIntegralType value) { return value ? fmt::format("{:#x}", value) : "0"; }

}  // namespace

void StopAt(const char* file, int line) {
  if (file) AddMessage(fmt::format("{}:{}{}", file, line, kFailure));
  throw Stopped();
}

void Fail(const char* file, int line) { StopAt(file, line); }
void Skip(const char*, int) { throw Skipped(); }

void AssertTrue(LargestIntegralType result, const char* expression, const char* file, int line) {
  if (result) return;
  AddMessage(expression);
  StopAt(file, line);
}

void AssertReturnCode(LargestIntegralType result, std::size_t size, LargestIntegralType error, const char* expression,
                      const char* file, int line) {
  LargestIntegralType highest = LargestIntegralType{1} << (size * 8 - 1);
  if (!(result & highest)) return;
  AddMessage(error ? fmt::format("{} < 0, errno({}): {}", expression, error, strerror(static_cast<int>(error)))
                   : fmt::format("{} < 0", expression));
  StopAt(file, line);
}

void AssertEqual(LargestIntegralType a, LargestIntegralType b, bool wanted, const char* file, int line) {
  if ((a == b) == wanted) return;
  AddMessage(fmt::format("{} {} {}", Hex(a), wanted ? "!=" : "==", Hex(b)));
  StopAt(file, line);
}

void AssertFloat(float a, float b, float epsilon, bool wanted, const char* file, int line) {
  // Near is: within epsilon, absolutely or in relation to the larger of both.
  float difference = std::fabs(a - b);
  bool near = difference <= epsilon || difference <= std::fmax(std::fabs(a), std::fabs(b)) * epsilon;
  if (near == wanted) return;
  AddMessage(fmt::format("{:f} {} {:f}", a, wanted ? "!=" : "==", b));
  StopAt(file, line);
}

void AssertString(const char* a, const char* b, bool wanted, const char* file, int line) {
  bool same = a == b || (a && b && strcmp(a, b) == 0);
  if (same == wanted) return;
  AddMessage(fmt::format("\"{}\" {} \"{}\"", a ? a : "(null)", wanted ? "!=" : "==", b ? b : "(null)"));
  StopAt(file, line);
}

void AssertMemory(const void* a, const void* b, std::size_t size, bool wanted, const char* file, int line) {
  auto* x = static_cast<const unsigned char*>(a);
  auto* y = static_cast<const unsigned char*>(b);
  constexpr size_t kListed = 16;
  size_t different = 0;
  for (size_t i = 0; i < size; i++) {
    if (x[i] == y[i]) continue;
    if (wanted && different++ < kListed) AddMessage(fmt::format("difference at offset {} {:#04x} {:#04x}", i, x[i], y[i]));
    different += !wanted;
  }
  if ((different == 0) == wanted) return;
  AddMessage(wanted ? fmt::format("{} bytes of {} and {} differ", different, a, b)
                    : fmt::format("{} bytes of {} and {} the same", size, a, b));
  StopAt(file, line);
}

void AssertRange(LargestIntegralType value, LargestIntegralType minimum, LargestIntegralType maximum, bool wanted,
                 const char* file, int line) {
  if ((value >= minimum && value <= maximum) == wanted) return;
  AddMessage(fmt::format("{} is {}within the range {}-{}", value, wanted ? "not " : "", minimum, maximum));
  StopAt(file, line);
}

void AssertSet(LargestIntegralType value, const LargestIntegralType* values, std::size_t count, bool wanted, const char* file,
               int line) {
  bool found = false;
  std::string listed;
  for (size_t i = 0; i < count; i++) {
    found |= values[i] == value;
    listed += Hex(values[i]) + ", ";
  }
  if (found == wanted) return;
  AddMessage(fmt::format("{} is {}in the set ({})", value, wanted ? "not " : "", listed));
  StopAt(file, line);
}

bool CatchesMockAssert(void (*run)(void*), void* argument) {
  try {
    run(argument);
  } catch (const MockAssertion&) {
    return true;
  }
  return false;
}

}  // namespace cmocka
