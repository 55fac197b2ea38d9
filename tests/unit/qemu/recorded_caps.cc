#include "unit/qemu/recorded_caps.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <map>

#include "base/files.h"
#include "qemu/capabilities_probe.h"

namespace bv::qemu {

namespace {

using Answers = std::map<std::string, Json>;

std::string KeyOf(std::string_view accelerator, const std::string& command, const Json& arguments) {
  return std::string(accelerator) + " " + command + " " + (arguments ? arguments.Dump() : "");
}

std::string Unpack(const std::string& packed) {
  std::string text(ZSTD_getFrameContentSize(packed.data(), packed.size()), '\0');
  ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  return text;
}

Answers Load() {
  // Beside this source; tests run in the top directory of the checkout.
  std::string path = __FILE__;
  path.replace(path.rfind('/'), std::string::npos, "/data/qemu-7.2-x86_64.jsonl.zst");
  std::string text = Unpack(ReadFile(path));
  Answers answers;
  for (std::size_t begin = 0, end; begin < text.size(); begin = end + 1) {
    end = text.find('\n', begin);
    Json record = Json::Parse(std::string_view(text).substr(begin, end - begin));
    answers.emplace(KeyOf(record.GetString("accelerator"), record.GetString("command"), record.Find("arguments")),
                    record.Find("return"));
  }
  return answers;
}

}  // namespace

Json RecordedAnswer(Accelerator accelerator, const std::string& command, const Json& arguments) {
  static const Answers answers = Load();
  auto found = answers.find(KeyOf(accelerator == Accelerator::kKvm ? "kvm" : "tcg", command, arguments));
  if (found != answers.end()) return found->second;
  ADD_FAILURE() << "not recorded: " << command << " " << arguments.Dump();
  return {};
}

CapsPtr RecordedCaps() {
  static const CapsPtr caps = [] {
    ProbeRequest request{.binary = "/usr/bin/qemu-system-x86_64"};
    return QemuCaps::Parse(CapabilitiesFromAnswers(request, &RecordedAnswer));
  }();
  return caps;
}

}  // namespace bv::qemu
