// A started guest's CPU follows what QEMU answers about it.
#include "qemu/cpu_live.h"

#include <gtest/gtest.h>

namespace bv::qemu {
namespace {

using model::CpuPolicy;

// 486 has fpu, vme and pse: bits 0, 1 and 3 of leaf 1 EDX.
std::vector<MonitorReply> Replies(std::string words, std::string unavailable) {
  std::vector<MonitorReply> replies(LiveCpuQueries().size());
  replies[0].value = Json::Parse(words);
  replies[1].value = Json::Parse(unavailable);
  for (std::size_t i = 2; i < replies.size(); i++) replies[i].error.emplace("qom-get", "GenericError", "no such property");
  return replies;
}

TEST(LiveCpu, AsksInOneBatch) {
  auto commands = LiveCpuQueries("/cpu");
  EXPECT_EQ(commands[0].arguments.Dump(), R"({"path":"/cpu","property":"feature-words"})");
  EXPECT_LT(commands.size(), 20u);
}

TEST(LiveCpu, DifferencesAreListed) {
  model::CpuDef cpu;
  cpu.type = model::CpuType::kGuest;
  cpu.model = "486";
  UpdateFromLiveCpu(cpu, Replies(R"([{"cpuid-input-eax":1,"cpuid-register":"EDX","features":3},
                                     {"cpuid-input-eax":1,"cpuid-register":"ECX","features":2147483648},
                                     {"cpuid-input-eax":7,"cpuid-input-ecx":1,"cpuid-register":"EAX","features":16}])",
                                 R"(["pclmulqdq","unheard-of"])"));
  std::string text;
  for (auto& f : cpu.features) text += (f.policy == CpuPolicy::kRequire ? "+" : "-") + f.name + " ";
  EXPECT_EQ(text, "-pse -pclmuldq +hypervisor +avx-vnni ");
  EXPECT_EQ(cpu.check, model::CpuCheck::kFull);
}

TEST(LiveCpu, LeavesOtherModesAlone) {
  model::CpuDef cpu;
  cpu.mode = model::CpuMode::kMaximum;
  cpu.check = model::CpuCheck::kNone;
  UpdateFromLiveCpu(cpu, Replies("[]", "[]"));
  EXPECT_EQ(cpu.check, model::CpuCheck::kNone);
  EXPECT_TRUE(cpu.features.empty());
}

}  // namespace
}  // namespace bv::qemu
