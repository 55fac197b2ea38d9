#pragma once

#include <memory>
#include <string>
#include <vector>

// Test results written the way libcmocka 1.1 writes them, so that tools made for its output read ours.
namespace cmocka {

// kError: a fixture failed, not the test itself; the formats tell the two apart.
enum class Outcome { kPassed, kFailed, kSkipped, kError };

struct CaseResult {
  std::string name;
  Outcome outcome = Outcome::kPassed;
  std::string message;  // lines of what went wrong, without a final newline
  double seconds = 0;
};

struct GroupResult {
  std::string name;
  std::vector<CaseResult> cases;
  bool setup_failed = false;
  bool teardown_failed = false;

  size_t Count(Outcome outcome) const;
};

// One format. Calls come in order: BeginGroup, then BeginCase and EndCase for each test, then EndGroup.
class Report {
 public:
  virtual ~Report() = default;
  virtual void BeginGroup(const std::string& name, size_t tests) = 0;
  virtual void BeginCase(const std::string& name) = 0;
  // `number` counts from 1 within the group.
  virtual void EndCase(const CaseResult& result, size_t number) = 0;
  virtual void GroupSetupFailed(const std::string& name) = 0;
  virtual void GroupTeardownFailed(const std::string& name) = 0;
  virtual void EndGroup(const GroupResult& group) = 0;
};

enum class Format { kStdout, kSubunit, kTap, kXml };

// CMOCKA_MESSAGE_OUTPUT, in either case of letters; `fallback` when it is unset or unknown.
Format FormatFromEnvironment(Format fallback);
std::unique_ptr<Report> MakeReport(Format format);

// Has GoogleTest report through `report`, a group for each of its test suites, in place of its own printer.
// Takes over every test of the program; call it after InitGoogleTest.
void ReportGoogleTest(std::unique_ptr<Report> report);

}  // namespace cmocka
