#include "qemu/capabilities_builder.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "qemu/capabilities_schema.h"
#include "qemu/capabilities_text.h"

namespace bv::qemu {

namespace {

using Source = QemuCapRule::Source;
using NameSet = std::set<std::string, std::less<>>;

// Devices whose properties are looked up besides those that the flags' rules name.
constexpr const char* kMoreDevices[] = {
    "ide-cd",          "scsi-cd",           "scsi-block",         "scsi-generic",      "virtio-9p-pci",
    "virtio-rng-pci",  "virtio-serial-pci", "virtio-input-host-pci", "virtio-vga",     "vhost-user-blk-pci",
    "vhost-vsock-pci", "ivshmem-plain",     "usb-kbd",            "pvpanic",           "isa-debugcon",
    "nvme",            "megasas",           "pci-bridge",         "qemu-xhci",         "tpm-crb",
};

// Asking for the properties of a type is the quick way to see whether it exists: the list of all types
// takes QEMU a while to make.
constexpr char kTcgType[] = "tcg-accel";

bool IsPropertySource(Source source) { return source == Source::kProperty || source == Source::kPropertyOff; }

std::vector<std::string> TypesOf(Source wanted) {
  std::vector<std::string> types;
  auto add = [&](const char* type) {
    if (std::ranges::find(types, type) == types.end()) types.push_back(type);
  };
  for (const QemuCapRule& rule : QemuCapRules()) {
    if (rule.source == wanted || (wanted == Source::kProperty && IsPropertySource(rule.source))) add(rule.subject);
  }
  if (wanted == Source::kProperty) std::ranges::for_each(kMoreDevices, add);
  return types;
}

MonitorCommand Question(std::string name) { return {.name = std::move(name)}; }
MonitorCommand QuestionAbout(std::string name, std::string_view type) {
  MonitorCommand command{.name = std::move(name), .arguments = Json::Object()};
  command.arguments.Set("typename", type);
  return command;
}

enum class Expansion { kMigratable, kAll, kHyperv };

MonitorCommand ExpandCpu(const char* model, Expansion expansion) {
  Json description = Json::Object();
  description.Set("name", model);
  if (expansion != Expansion::kMigratable) {
    Json properties = Json::Object();
    properties.Set("migratable", false);
    if (expansion == Expansion::kHyperv) properties.Set("hv-passthrough", true);
    description.Set("props", properties);
  }
  MonitorCommand command{.name = "query-cpu-model-expansion", .arguments = Json::Object()};
  command.arguments.Set("type", expansion == Expansion::kHyperv ? "full" : "static");
  command.arguments.Set("model", description);
  return command;
}

// QEMU's names of targets where libvirt has others.
std::string ArchOfTarget(const std::string& target) {
  if (target == "i386") return "i686";
  if (target == "arm") return "armv7l";
  if (target == "or32") return "or32";
  return target;
}

bool IsX86Target(std::string_view arch) { return arch == "x86_64" || arch == "i686"; }

NameSet NamesIn(const Json& list, const char* key) {
  NameSet names;
  for (std::size_t i = 0; i < list.size(); ++i) {
    Json element = list.at(i);
    if (auto name = (key ? element.Find(key) : element).AsString()) names.insert(std::move(*name));
  }
  return names;
}

std::string Join(const NameSet& names) {
  std::string line;
  for (const std::string& name : names) {
    if (!line.empty()) line += ' ';
    line += name;
  }
  return line;
}

std::string Text(const Json& object, const char* key) { return object.Find(key).AsString().value_or(""); }
bool IsOn(const Json& object, const char* key) { return object.Find(key).AsBool().value_or(false); }

// A line of the text; empty fields at its end are left out.
std::string Line(std::initializer_list<std::string_view> fields) {
  std::string line;
  std::size_t used = 0;
  for (std::string_view field : fields) {
    line += field;
    if (!field.empty()) used = line.size();
    line += '\t';
  }
  line.resize(used);
  line += '\n';
  return line;
}

}  // namespace

// --- Questions -----------------------------------------------------------------------------------

std::vector<MonitorCommand> CapsBuilder::BasicQuestions() {
  std::vector<MonitorCommand> questions;
  for (const char* name : {"query-version", "query-target", "query-kvm", "query-machines", "query-cpu-definitions"}) {
    questions.push_back(Question(name));
  }
  questions.push_back(QuestionAbout("qom-list-properties", kTcgType));
  return questions;
}

std::vector<MonitorCommand> CapsBuilder::DetailQuestions() const {
  std::vector<MonitorCommand> questions;
  for (const char* name : {"query-commands", "query-qmp-schema", "qom-list-types", "query-tpm-models", "query-tpm-types",
                           "query-command-line-options", "query-migrate-capabilities"}) {
    questions.push_back(Question(name));
  }
  for (const std::string& type : TypesOf(Source::kProperty)) {
    questions.push_back(QuestionAbout("device-list-properties", type));
  }
  for (const std::string& type : TypesOf(Source::kObjectProperty)) {
    questions.push_back(QuestionAbout("qom-list-properties", type));
  }
  const bool kvm = accelerator_ == Accelerator::kKvm;
  questions.push_back(ExpandCpu(kvm ? "host" : "max", Expansion::kMigratable));
  questions.push_back(ExpandCpu(kvm ? "host" : "max", Expansion::kAll));
  if (IsX86Target(arch_)) {
    if (kvm) questions.push_back(ExpandCpu("host", Expansion::kHyperv));
    questions.push_back(Question("query-sev-capabilities"));
    questions.push_back(Question("query-sgx-capabilities"));
  }
  return questions;
}

std::vector<MonitorCommand> CapsBuilder::TcgQuestions() {
  std::vector<MonitorCommand> questions;
  questions.push_back(Question("query-cpu-definitions"));
  questions.push_back(ExpandCpu("max", Expansion::kMigratable));
  questions.push_back(ExpandCpu("max", Expansion::kAll));
  return questions;
}

std::string CapsBuilderFingerprint() {
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  auto add = [&](std::string_view text) {
    for (unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
    hash = (hash ^ 0xff) * 1099511628211u;
  };
  for (const QemuCapRule& rule : QemuCapRules()) {
    add(rule.name);
    add(rule.subject ? rule.subject : "");
    add(rule.member ? rule.member : "");
    add(fmt::format("{} {}", static_cast<int>(rule.source), rule.version));
  }
  for (const char* device : kMoreDevices) add(device);
  return fmt::format("{:016x}", hash);
}

// --- Answers -------------------------------------------------------------------------------------

void CapsBuilder::AddValue(std::string_view key, std::string_view value) { values_ += Line({key, value}); }

void CapsBuilder::Take(const MonitorCommand& question, const Json& answer) {
  const std::string& name = question.name;
  if (name == "query-version") {
    TakeVersion(answer);
  } else if (name == "query-target") {
    arch_ = ArchOfTarget(Text(answer, "arch"));
    AddValue("arch", arch_);
  } else if (name == "query-kvm") {
    Set(QemuCap::kKvm, IsOn(answer, "enabled") && IsOn(answer, "present"));
    if (Has(QemuCap::kKvm)) accelerator_ = Accelerator::kKvm;
  } else if (name == "query-machines") {
    TakeMachines(answer);
  } else if (name == "query-cpu-definitions") {
    TakeCpuModels(answer);
  } else if (name == "query-commands") {
    TakeCommands(answer);
  } else if (name == "query-qmp-schema") {
    TakeSchema(answer);
  } else if (name == "qom-list-types") {
    TakeTypes(answer);
  } else if (name == "query-tpm-models") {
    SetFlagsNamed(Source::kTpmModel, NamesIn(answer, nullptr));
  } else if (name == "query-tpm-types") {
    SetFlagsNamed(Source::kTpmType, NamesIn(answer, nullptr));
  } else if (name == "query-migrate-capabilities") {
    SetFlagsNamed(Source::kMigration, NamesIn(answer, "capability"));
  } else if (name == "query-command-line-options") {
    TakeOptions(answer);
  } else if (name == "device-list-properties" || name == "qom-list-properties") {
    TakeProperties(Text(question.arguments, "typename"), answer);
  } else if (name == "query-cpu-model-expansion") {
    Json wanted = question.arguments.Find("model").Find("props");
    if (wanted.Find("hv-passthrough")) {
      TakeHyperv(answer);
    } else {
      TakeHostCpu(answer, !wanted.Find("migratable"));
    }
  } else if (name == "query-sev-capabilities") {
    TakeSev(answer);
  } else if (name == "query-sgx-capabilities") {
    Set(QemuCap::kSgxEpc, IsOn(answer, "flc") && IsOn(answer, "sgx"));
  }
}

void CapsBuilder::TakeVersion(const Json& answer) {
  Json numbers = answer.Find("qemu");
  auto number = [&](const char* key) { return static_cast<unsigned>(numbers.Find(key).AsUint().value_or(0)); };
  version_ = number("major") * 1000000 + number("minor") * 1000 + number("micro");
  AddValue("version", std::to_string(version_));
  AddValue("package", Text(answer, "package"));
}

void CapsBuilder::TakeMachines(const Json& answer) {
  std::string rest;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    Json machine = answer.at(i);
    std::string name = Text(machine, "name");
    if (name == "none") continue;  // has no place in a guest's configuration
    const bool is_default = IsOn(machine, "is-default");
    std::string letters;
    if (IsOn(machine, "hotpluggable-cpus")) letters += 'h';
    if (IsOn(machine, "deprecated")) letters += 'd';
    if (IsOn(machine, "numa-mem-supported")) letters += 'n';
    if (is_default) letters += '*';
    std::string line = Line({"machine", name, std::to_string(machine.Find("cpu-max").AsUint().value_or(0)), letters,
                             Text(machine, "alias"), Text(machine, "default-cpu-type"), Text(machine, "default-ram-id")});
    (is_default ? machines_ : rest) += line;
  }
  machines_ += rest;
}

void CapsBuilder::TakeCpuModels(const Json& answer) {
  if (!answer) return;
  cpus_ += Line({"accelerator", AcceleratorName()});
  for (std::size_t i = 0; i < answer.size(); ++i) {
    Json model = answer.at(i);
    std::string name = Text(model, "name");
    std::string letters, blockers;
    if (Json unavailable = model.Find("unavailable-features")) {
      letters = unavailable.size() == 0 ? "y" : "n";
      for (std::size_t k = 0; k < unavailable.size(); ++k) {
        if (k > 0) blockers += ' ';
        blockers += unavailable.at(k).AsString().value_or("");
      }
    }
    if (IsOn(model, "deprecated")) letters += 'd';
    if (name == "max") Set(QemuCap::kCpuMax);
    cpus_ += Line({"cpu", AcceleratorName(), name, Text(model, "typename"), letters, blockers});
  }
}

void CapsBuilder::TakeCommands(const Json& answer) {
  NameSet names = NamesIn(answer, "name");
  SetFlagsNamed(Source::kCommand, names);
  commands_ = Line({"commands", Join(names)});
}

void CapsBuilder::TakeSchema(const Json& answer) {
  QmpSchema schema(answer);
  for (std::size_t i = 0; i < QemuCapRules().size(); ++i) {
    const QemuCapRule& rule = QemuCapRules()[i];
    if (rule.source == Source::kSchema && schema.Has(rule.subject)) flags_.set(i);
  }
}

void CapsBuilder::TakeTypes(const Json& answer) {
  NameSet names = NamesIn(answer, "name");
  SetFlagsNamed(Source::kType, names);
  std::erase_if(names, [](const std::string& name) { return name.ends_with("-cpu") || name.ends_with("-machine"); });
  types_ = Line({"types", Join(names)});
}

void CapsBuilder::TakeProperties(std::string_view type, const Json& answer) {
  if (!answer) return;
  if (type == kTcgType) {
    Set(QemuCap::kTcg);
    return;
  }
  SetFlagsOfProperties(type, answer);
  properties_ += Line({"properties", type, Join(NamesIn(answer, "name"))});
}

void CapsBuilder::SetFlagsOfProperties(std::string_view type, const Json& answer) {
  for (std::size_t i = 0; i < QemuCapRules().size(); ++i) {
    const QemuCapRule& rule = QemuCapRules()[i];
    if ((!IsPropertySource(rule.source) && rule.source != Source::kObjectProperty) || type != rule.subject) continue;
    for (std::size_t k = 0; k < answer.size(); ++k) {
      Json property = answer.at(k);
      if (Text(property, "name") != rule.member) continue;
      if (rule.source != Source::kPropertyOff || property.Find("default-value").AsBool() == false) flags_.set(i);
    }
  }
}

// What is on with migratable=on comes first; the second expansion adds what is only on without it.
void CapsBuilder::TakeHostCpu(const Json& answer, bool migratable) {
  for (auto& [name, value] : answer.Find("model").Find("props").members()) {
    const bool known = std::ranges::find(host_properties_, name) != host_properties_.end();
    if (known) continue;
    if (value.is_bool()) {
      const bool on = *value.AsBool();
      // What is off may still be on in the second expansion; what is off there as well is off.
      if (!on && migratable) continue;
      host_cpu_ += Line({"host-cpu", AcceleratorName(), name, on && !migratable ? "b!" : "b", on ? "true" : "false"});
    } else if (auto text = value.AsString(); value.is_string()) {
      host_cpu_ += Line({"host-cpu", AcceleratorName(), name, "s", *text});
    } else if (value.is_int()) {
      host_cpu_ += Line({"host-cpu", AcceleratorName(), name, "n", value.Dump()});
    } else {
      continue;
    }
    host_properties_.push_back(name);
  }
}

void CapsBuilder::TakeHyperv(const Json& answer) {
  // libvirt's names; QEMU's have "hv-" in front and dashes.
  static constexpr std::string_view kNames[] = {"relaxed",   "vapic",       "spinlocks",       "vpindex",  "runtime",
                                                "synic",     "stimer",      "reset",           "vendor_id", "frequencies",
                                                "reenlightenment", "tlbflush", "ipi",          "evmcs",    "avic"};
  Json properties = answer.Find("model").Find("props");
  if (!properties) return;
  std::string names;
  for (std::string_view name : kNames) {
    std::string key = fmt::format("hv-{}", name);
    std::ranges::replace(key, '_', '-');
    Json value = properties.Find(key.c_str());
    const bool offered = value.is_bool() ? *value.AsBool() : value.is_int() ? value.AsUint() != 0u : value.is_string();
    if (offered) names += fmt::format("{}{}", names.empty() ? "" : " ", name);
  }
  others_ += Line({"hyperv", names});
}

void CapsBuilder::TakeSev(const Json& answer) {
  if (!answer) return;
  Set(QemuCap::kSevGuest);
  others_ += Line({"sev", Text(answer, "pdh"), Text(answer, "cert-chain"), Text(answer, "cpu0-id"),
                   std::to_string(answer.Find("cbitpos").AsUint().value_or(0)),
                   std::to_string(answer.Find("reduced-phys-bits").AsUint().value_or(0))});
}

void CapsBuilder::TakeOptions(const Json& answer) {
  for (std::size_t i = 0; i < answer.size(); ++i) {
    Json option = answer.at(i);
    std::string name = Text(option, "option");
    NameSet parameters = NamesIn(option.Find("parameters"), "name");
    for (std::size_t k = 0; k < QemuCapRules().size(); ++k) {
      const QemuCapRule& rule = QemuCapRules()[k];
      if (rule.source != Source::kOption || name != rule.subject) continue;
      if (!rule.member || parameters.contains(rule.member)) flags_.set(k);
    }
  }
}

// --- Flags ---------------------------------------------------------------------------------------

void CapsBuilder::SetFlagsNamed(Source source, const NameSet& names) {
  for (std::size_t i = 0; i < QemuCapRules().size(); ++i) {
    const QemuCapRule& rule = QemuCapRules()[i];
    if (rule.source == source && names.contains(std::string_view(rule.subject))) flags_.set(i);
  }
}

void CapsBuilder::DeriveFlags() {
  const bool x86 = IsX86Target(arch_);
  for (std::size_t i = 0; i < QemuCapRules().size(); ++i) {
    const QemuCapRule& rule = QemuCapRules()[i];
    if (rule.source == Source::kX86Only) flags_.set(i, x86);
    if (rule.source == Source::kSince) flags_.set(i, version_ >= rule.version);
  }
  // Features have their canonical names since QEMU also tells which of them are unavailable.
  Set(QemuCap::kCanonicalCpuFeatures, Has(QemuCap::kCpuUnavailableFeatures));
  Set(QemuCap::kCpuCache, x86);
  Set(QemuCap::kIncrementalBackup, Has(QemuCap::kBlockdevReopen) && Has(QemuCap::kMigrationParamBlockBitmapMapping));
}

std::string CapsBuilder::FlagLine() const {
  std::string names;
  for (std::size_t i = 0; i < QemuCapRules().size(); ++i) {
    if (!flags_.test(i)) continue;
    if (!names.empty()) names += ' ';
    names += QemuCapRules()[i].name;
  }
  return Line({"flags", names});
}

// --- Text ----------------------------------------------------------------------------------------

std::string CapsBuilder::Basics() const {
  return fmt::format("{}\n{}{}{}{}{}\n", kCapsTextHeader, values_, FlagLine(), machines_, cpus_, kCapsTextEnd);
}

std::string CapsBuilder::CpuLines() const { return cpus_ + host_cpu_; }

std::string CapsBuilder::Full() {
  DeriveFlags();
  return fmt::format("{}\n{}{}{}{}{}{}{}{}{}\n", kCapsTextHeader, values_, FlagLine(), types_, commands_, properties_,
                     machines_, CpuLines(), others_, kCapsTextEnd);
}

}  // namespace bv::qemu
