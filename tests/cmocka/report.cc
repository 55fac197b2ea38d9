#include "cmocka/report.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "cmocka/state.h"

namespace cmocka {
namespace {

template <typename... Args>
void Out(fmt::format_string<Args...> format, Args&&... args) {
  std::string text = fmt::format(format, std::forward<Args>(args)...);
  fwrite(text.data(), 1, text.size(), stdout);
  fflush(stdout);
}
template <typename... Args>
void Err(fmt::format_string<Args...> format, Args&&... args) {
  std::string text = fmt::format(format, std::forward<Args>(args)...);
  fwrite(text.data(), 1, text.size(), stderr);
}

class StdoutReport : public Report {
 public:
  void BeginGroup(const std::string&, size_t tests) override { Out("[==========] Running {} test(s).\n", tests); }
  void BeginCase(const std::string& name) override { Out("[ RUN      ] {}\n", name); }
  void EndCase(const CaseResult& result, size_t) override {
    switch (result.outcome) {
      case Outcome::kPassed: return Out("[       OK ] {}\n", result.name);
      case Outcome::kSkipped: return Out("[  SKIPPED ] {}\n", result.name);
      case Outcome::kError: return Err("Could not run test: {}\n[  ERROR   ] {}\n", result.message, result.name);
      case Outcome::kFailed:
        Err("[  ERROR   ] --- {}\n", MarkPlaces(result.message));
        return Out("[  FAILED  ] {}\n", result.name);
    }
  }
  void GroupSetupFailed(const std::string& name) override {
    Err("[  FAILED  ] GROUP SETUP\n[  ERROR   ] {}\n", name);
  }
  void GroupTeardownFailed(const std::string& name) override {
    Err("[  FAILED  ] GROUP TEARDOWN\n[  ERROR   ] {}\n", name);
  }
  void EndGroup(const GroupResult& group) override {
    Out("[==========] {} test(s) run.\n", group.cases.size());
    Out("[  PASSED  ] {} test(s).\n", group.Count(Outcome::kPassed));
    List(group, Outcome::kSkipped, "[  SKIPPED ]");
    if (size_t n = group.Count(Outcome::kSkipped)) Out("\n {} SKIPPED TEST(S)\n", n);
    List(group, Outcome::kFailed, "[  FAILED  ]");
    if (size_t n = group.Count(Outcome::kFailed) + group.Count(Outcome::kError)) Out("\n {} FAILED TEST(S)\n", n);
  }

 private:
  // Lines that say where a test failed have a mark of their own.
  static std::string MarkPlaces(const std::string& message) {
    std::string marked;
    for (size_t begin = 0; begin < message.size();) {
      size_t end = std::min(message.find('\n', begin), message.size());
      std::string_view line(message.data() + begin, end - begin);
      marked += fmt::format("{}{}{}", line.ends_with(kFailure) ? "[   LINE   ] --- " : "", line, end < message.size() ? "\n" : "");
      begin = end + 1;
    }
    return marked;
  }
  static void List(const GroupResult& group, Outcome outcome, const char* mark) {
    size_t count = group.Count(outcome);
    if (count == 0) return;
    Out("{} {} test(s), listed below:\n", mark, count);
    for (const auto& result : group.cases)
      if (result.outcome == outcome) Out("{} {}\n", mark, result.name);
  }
};

class SubunitReport : public Report {
 public:
  void BeginGroup(const std::string&, size_t) override {}
  void BeginCase(const std::string& name) override { Out("test: {}\n", name); }
  void EndCase(const CaseResult& result, size_t) override {
    switch (result.outcome) {
      case Outcome::kPassed: return Out("success: {}\n", result.name);
      case Outcome::kSkipped: return Out("skip: {}\n", result.name);
      case Outcome::kError: return Out("error: {} [ Could not run test: {} ]\n", result.name, result.message);
      case Outcome::kFailed: return Out("failure: {} [\n{}\n]\n", result.name, result.message);
    }
  }
  void GroupSetupFailed(const std::string& name) override { Out("error: {} [ [  FAILED  ] GROUP SETUP ]\n", name); }
  void GroupTeardownFailed(const std::string& name) override {
    Out("error: {} [ [  FAILED  ] GROUP TEARDOWN ]\n", name);
  }
  void EndGroup(const GroupResult&) override {}
};

class TapReport : public Report {
 public:
  void BeginGroup(const std::string&, size_t tests) override { Out("1..{}\n", tests); }
  void BeginCase(const std::string&) override {}
  void EndCase(const CaseResult& result, size_t number) override {
    switch (result.outcome) {
      case Outcome::kPassed: return Out("ok {} - {}\n", number, result.name);
      case Outcome::kSkipped: return Out("not ok {} # SKIP {}\n", number, result.name);  // cmocka's spelling
      case Outcome::kError: return Out("not ok {} - {} Could not run test: {}\n", number, result.name, result.message);
      case Outcome::kFailed: return Out("not ok {} - {}\n{}", number, result.name, Comment(result.message));
    }
  }
  void GroupSetupFailed(const std::string& name) override { Out("not ok 0 - {} [  FAILED  ] GROUP SETUP\n", name); }
  void GroupTeardownFailed(const std::string& name) override {
    Out("not ok 0 - {} [  FAILED  ] GROUP TEARDOWN\n", name);
  }
  void EndGroup(const GroupResult& group) override {
    bool bad = group.Count(Outcome::kFailed) + group.Count(Outcome::kError) > 0;
    Out("# {} - {}\n", bad ? "not ok" : "ok", group.name);
  }

 private:
  static std::string Comment(const std::string& message) {
    std::string lines;
    for (size_t begin = 0; begin < message.size();) {
      size_t end = std::min(message.find('\n', begin), message.size());
      if (end > begin) lines += "# " + message.substr(begin, end - begin) + "\n";
      begin = end + 1;
    }
    return lines;
  }
};

// A document per group: to CMOCKA_XML_FILE (%g in it is the group's name) unless that exists already, else to stderr.
class XmlReport : public Report {
 public:
  void BeginGroup(const std::string&, size_t) override {}
  void BeginCase(const std::string&) override {}
  void EndCase(const CaseResult&, size_t) override {}
  void GroupSetupFailed(const std::string&) override {}
  void GroupTeardownFailed(const std::string&) override {}
  void EndGroup(const GroupResult& group) override {
    FILE* file = Open(group.name);
    std::string text;
    // Only a document that begins a file is declared: those on stderr follow one another.
    if (file != stderr || !declared_) text += "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n";
    if (file == stderr) declared_ = true;
    double seconds = 0;
    for (const auto& result : group.cases) seconds += result.seconds;
    text += fmt::format(
        "<testsuites>\n  <testsuite name=\"{}\" time=\"{:.3f}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" >\n",
        group.name, seconds, group.cases.size(), group.Count(Outcome::kFailed),
        group.Count(Outcome::kError) + group.setup_failed, group.Count(Outcome::kSkipped));
    for (const auto& result : group.cases) text += Case(result);
    text += "  </testsuite>\n</testsuites>\n";
    fwrite(text.data(), 1, text.size(), file);
    if (file == stderr) fflush(file); else fclose(file);
  }

 private:
  static std::string Case(const CaseResult& result) {
    std::string text = fmt::format("    <testcase name=\"{}\" time=\"{:.3f}\" >\n", result.name, result.seconds);
    if (result.outcome == Outcome::kSkipped) {
      text += "      <skipped/>\n";
    } else if (result.outcome != Outcome::kPassed) {
      std::string message = result.message;
      for (size_t at = 0; (at = message.find("]]>", at)) != std::string::npos; at += 12) message.replace(at, 3, "]]]]><![CDATA[>");
      text += fmt::format("      <failure><![CDATA[{}]]></failure>\n", message);
    }
    return text + "    </testcase>\n";
  }
  static FILE* Open(const std::string& group) {
    const char* wanted = getenv("CMOCKA_XML_FILE");
    if (!wanted || !*wanted) return stderr;
    std::string path = wanted;
    if (size_t at = path.find("%g"); at != std::string::npos) path.replace(at, 2, group);
    FILE* file = access(path.c_str(), F_OK) == 0 ? nullptr : fopen(path.c_str(), "w");
    return file ? file : stderr;
  }
  bool declared_ = false;
};

// Turns GoogleTest's events into a group for each of its suites.
class Bridge : public testing::EmptyTestEventListener {
 public:
  explicit Bridge(std::unique_ptr<Report> report) : report_(std::move(report)) {}

  void OnTestSuiteStart(const testing::TestSuite& suite) override {
    group_ = {.name = suite.name()};
    report_->BeginGroup(group_.name, suite.test_to_run_count());
  }
  void OnTestStart(const testing::TestInfo& test) override {
    result_ = {.name = test.name()};
    report_->BeginCase(result_.name);
  }
  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (!part.failed()) return;
    if (!result_.message.empty()) result_.message += "\n";
    result_.message += part.message();
    if (part.file_name()) result_.message += fmt::format("\n{}:{}{}", part.file_name(), part.line_number(), kFailure);
  }
  void OnTestEnd(const testing::TestInfo& test) override {
    const testing::TestResult& result = *test.result();
    result_.outcome = result.Failed() ? Outcome::kFailed : result.Skipped() ? Outcome::kSkipped : Outcome::kPassed;
    result_.seconds = result.elapsed_time() / 1000.0;
    group_.cases.push_back(result_);
    report_->EndCase(group_.cases.back(), group_.cases.size());
  }
  void OnTestSuiteEnd(const testing::TestSuite& suite) override {
    if (suite.ad_hoc_test_result().Failed()) report_->GroupTeardownFailed(group_.name);
    report_->EndGroup(group_);
  }

 private:
  std::unique_ptr<Report> report_;
  GroupResult group_;
  CaseResult result_;
};

}  // namespace

size_t GroupResult::Count(Outcome outcome) const {
  return std::count_if(cases.begin(), cases.end(), [&](const CaseResult& c) { return c.outcome == outcome; });
}

Format FormatFromEnvironment(Format fallback) {
  const char* wanted = getenv("CMOCKA_MESSAGE_OUTPUT");
  constexpr struct { const char* name; Format format; } kFormats[] = {
      {"STDOUT", Format::kStdout}, {"SUBUNIT", Format::kSubunit}, {"TAP", Format::kTap}, {"XML", Format::kXml}};
  for (const auto& row : kFormats)
    if (wanted && strcasecmp(wanted, row.name) == 0) return row.format;
  return fallback;
}

std::unique_ptr<Report> MakeReport(Format format) {
  switch (format) {
    case Format::kSubunit: return std::make_unique<SubunitReport>();
    case Format::kTap: return std::make_unique<TapReport>();
    case Format::kXml: return std::make_unique<XmlReport>();
    case Format::kStdout: break;
  }
  return std::make_unique<StdoutReport>();
}

void ReportGoogleTest(std::unique_ptr<Report> report) {
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new Bridge(std::move(report)));
}

}  // namespace cmocka
