#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/task.h"
#include "qemu/capabilities.h"

// Asking a QEMU binary what it can do: one process without a guest, all questions at once.
namespace bv::qemu {

struct ProbeRequest {
  std::string binary;
  // Who QEMU runs as: what it can do depends on the devices that the user may open.
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::vector<gid_t> groups;
  // Lines that the text gets on top: key and value.
  std::vector<std::pair<std::string, std::string>> values;
  // Called once as soon as QEMU has said what CONNECT_GET_CAPABILITIES needs, with a text that has
  // version, arch, accelerators, machines and CPU models, but nothing else.
  std::function<void(std::string)> on_basics;
};

// The text for QemuCaps::Parse, with CPU data of the accelerator that QEMU prefers (KVM where it can
// be used). Throws kInternalError of domain kQemu with what the binary complained of.
Task<std::string> ProbeCapabilities(ProbeRequest request);
// The lines "accelerator tcg", "cpu tcg" and "host-cpu tcg", to be added before the text's end.
Task<std::string> ProbeTcgCpus(ProbeRequest request);

// The same with the CPUs of both accelerators from recorded answers, for tests: `answer` returns the
// member "return", null for an error.
using AnswerSource = std::function<Json(Accelerator, const std::string& command, const Json& arguments)>;
std::string CapabilitiesFromAnswers(const ProbeRequest& request, const AnswerSource& answer);

// Changes whenever a change of the rules makes older texts useless.
std::string ProbeFingerprint();

}  // namespace bv::qemu
