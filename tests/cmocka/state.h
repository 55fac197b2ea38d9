#pragma once

#include <cstddef>
#include <string>

// What the parts of the cmocka front share about the test that runs now.
namespace cmocka {

// Thrown where a test ends early; its messages are with AddMessage.
struct Stopped {};
struct Skipped {};
struct MockAssertion {
  std::string message;
};

// Adds a line to what the report will say about the running test.
void AddMessage(const std::string& line);
// What follows "FILE:LINE" in the last line of a failure; tools look for it.
inline constexpr char kFailure[] = ": error: Failure!";
// Adds that line, unless `file` is null, and ends the test.
[[noreturn]] void StopAt(const char* file, int line);

// Forgets values, checks and calls that were announced; before each test.
void ResetExpectations();
// Reports announced values, checks and calls that were not used; true if there were any.
bool ReportLeftovers();

// A point in the order of allocations, and whether blocks allocated after it are still there (which it reports).
size_t AllocationMark();
bool ReportLeaks(size_t mark, const std::string& test);
void ForgetBlocks(size_t mark);

}  // namespace cmocka
