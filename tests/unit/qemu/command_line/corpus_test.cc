// Recorded domxml-to-native answers, case by case and in process: where the environment variable
// CONFORMANCE_CASES names a directory with domain-argv/cases.jsonl, every case is tried with the
// QEMU that is installed here. CORPUS_CASE limits it to names that contain the text; CORPUS_DIFF
// names a file that gets the differences. The floor is in percent of the cases.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>

#include "base/error.h"
#include "base/loop.h"
#include "base/task.h"
#include "cpu/host_cpu.h"
#include "model/domain/domain.h"
#include "qemu/capabilities_cache.h"
#include "qemu/command_line/native.h"
#include "qemu/config.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/validate.h"
#include "recorded_argv.h"

namespace bv::qemu {
namespace {

std::string Env(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

class Emulators {
 public:
  const QemuCaps& Get(const std::string& binary, Accelerator accelerator) {
    auto& caps = known_[{binary, accelerator}];
    if (!caps) Spawn(Fetch(binary, accelerator, &caps), "test"), loop_.Run();
    if (!caps) std::rethrow_exception(error_);
    return *caps;
  }

 private:
  Task<> Fetch(std::string binary, Accelerator accelerator, CapsPtr* result) {
    try {
      *result = co_await cache_.Get(binary, accelerator);
    } catch (...) {
      error_ = std::current_exception();
    }
    loop_.Quit();
  }

  Loop loop_;
  CapsCache cache_{CapsCache::Options{}};
  std::map<std::pair<std::string, Accelerator>, CapsPtr> known_;
  std::exception_ptr error_;
};

// The value of a case's secrets by whatever names them.
BuildOptions OptionsFor(const Json& test_case) {
  static const model::CpuDef host_cpu = cpu::DetectHostCpu();
  BuildOptions options;
  options.host_cpu = &host_cpu;
  std::vector<std::pair<std::string, std::string>> secrets;
  for (auto& secret : test_case.Find("secrets").elements()) secrets.emplace_back(secret.GetString("xml"), secret.GetString("value"));
  options.secret_value = [secrets](const SecretLookup& lookup) -> std::string {
    for (auto& [xml, value] : secrets) {
      if (!lookup.uuid.empty() && xml.find(lookup.uuid) != xml.npos) return value;
      if (lookup.uuid.empty() && xml.find(">" + lookup.usage + "<") != xml.npos) return value;
    }
    throw Error(ErrorDomain::kSecret, ErrorCode::kNoSecret, "no secret");
  };
  return options;
}

// Empty when the case passes, else what is different.
std::vector<std::string> TryCase(const Json& test_case, Emulators* emulators, const QemuConfig& config) {
  const Json expect = test_case.GetObject("expect");
  const Json expected_error = expect.Find("error");
  try {
    model::DomainDef def = model::ParseDomain(test_case.GetString("input"), model::kParseInactive);
    ResolveEmulator(def);
    auto accelerator = def.virt_type == model::VirtType::kKvm ? Accelerator::kKvm : Accelerator::kTcg;
    const QemuCaps& caps = emulators->Get(def.emulator, accelerator);
    PostParse(def, caps, config);
    ValidateDomain(def, caps, config);
    BuildOptions options = OptionsFor(test_case);
    PrepareNative(def, caps, config, options);
    CommandLine line = BuildCommandLine(def, caps, config, options);
    if (expected_error) return {"-error " + expected_error.Dump(), "+" + line.ToShell()};
    std::vector<std::string> expected;
    for (auto& element : expect.GetArray("argv").elements()) expected.push_back(*element.AsString());
    return DiffRecorded(expected, RecordedForm(line));
  } catch (const Error& error) {
    if (expected_error && expected_error.GetInt("code") == static_cast<int>(error.code) &&
        expected_error.GetInt("domain") == static_cast<int>(error.domain)) {
      return {};
    }
    return {expected_error ? "-error " + expected_error.Dump() : "-a command line",
            fmt::format("+error {} {} {}", static_cast<int>(error.code), static_cast<int>(error.domain), error.message)};
  }
}

TEST(Corpus, CommandLinesAreLibvirts) {
  std::string directory = Env("CONFORMANCE_CASES");
  if (directory.empty()) GTEST_SKIP() << "CONFORMANCE_CASES is not set";
  std::ifstream cases(directory + "/domain-argv/cases.jsonl");
  ASSERT_TRUE(cases.is_open());

  Emulators emulators;
  QemuConfig config = ReadQemuConfig(
      true, QemuDirs::Make(true, "/etc/libvirt", "/run/libvirt", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt"), "", "");
  std::ofstream diff;
  if (!Env("CORPUS_DIFF").empty()) diff.open(Env("CORPUS_DIFF"));
  unsigned passed = 0, total = 0;
  for (std::string text; std::getline(cases, text);) {
    const Json test_case = Json::Parse(text);
    const std::string name = test_case.GetString("name");
    if (name.find(Env("CORPUS_CASE")) == name.npos) continue;
    ++total;
    auto differences = TryCase(test_case, &emulators, config);
    if (differences.empty()) {
      ++passed;
      continue;
    }
    if (!diff.is_open()) continue;
    diff << "## " << name << "\n";
    for (auto& line : differences) diff << line << "\n";
  }
  std::printf("%u of %u recorded command lines\n", passed, total);
  constexpr unsigned kFloor = 95;
  EXPECT_GE(passed * 100, total * kFloor);
}

}  // namespace
}  // namespace bv::qemu
