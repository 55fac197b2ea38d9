#pragma once

#include <bitset>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "qemu/capabilities.h"
#include "qemu/monitor.h"

namespace bv::qemu {

// Turns QEMU's answers into the capabilities text (capabilities_text.h). Each answer is used up when
// it is given, so that the large ones do not pile up.
class CapsBuilder {
 public:
  // What must be asked first: enough for Basics().
  static std::vector<MonitorCommand> BasicQuestions();
  // What is asked once those are answered, since they decide it.
  std::vector<MonitorCommand> DetailQuestions() const;
  // About the CPUs of a QEMU that was told to emulate.
  static std::vector<MonitorCommand> TcgQuestions();

  // The accelerator that the CPU questions are about; QEMU's own choice unless forced.
  void ForceAccelerator(Accelerator accelerator) { accelerator_ = accelerator; }
  void AddValue(std::string_view key, std::string_view value);
  // The answer's member "return"; null for an error.
  void Take(const MonitorCommand& question, const Json& answer);

  // A text of what is known by now.
  std::string Basics() const;
  std::string Full();
  // Only the lines about CPUs.
  std::string CpuLines() const;

 private:
  void TakeVersion(const Json& answer);
  void TakeMachines(const Json& answer);
  void TakeCpuModels(const Json& answer);
  void TakeCommands(const Json& answer);
  void TakeSchema(const Json& answer);
  void TakeTypes(const Json& answer);
  void TakeProperties(std::string_view type, const Json& answer);
  void TakeHostCpu(const Json& answer, bool migratable);
  void TakeHyperv(const Json& answer);
  void TakeSev(const Json& answer);
  void TakeOptions(const Json& answer);
  void SetFlagsNamed(QemuCapRule::Source source, const std::set<std::string, std::less<>>& names);
  void SetFlagsOfProperties(std::string_view type, const Json& answer);
  void DeriveFlags();
  bool Has(QemuCap cap) const { return flags_.test(static_cast<std::size_t>(cap)); }
  void Set(QemuCap cap, bool on = true) { flags_.set(static_cast<std::size_t>(cap), on); }
  std::string_view AcceleratorName() const { return accelerator_ == Accelerator::kKvm ? "kvm" : "tcg"; }
  std::string FlagLine() const;

  Accelerator accelerator_ = Accelerator::kTcg;
  unsigned version_ = 0;
  std::string arch_;
  std::string values_, types_, commands_, properties_, machines_, cpus_, host_cpu_, others_;
  std::vector<std::string> host_properties_;  // that are on and migratable
  std::bitset<512> flags_;
};

// Of the rules and questions, so that a cached text is known to have come from the same ones.
std::string CapsBuilderFingerprint();

}  // namespace bv::qemu
