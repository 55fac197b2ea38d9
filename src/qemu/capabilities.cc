#include "qemu/capabilities.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "qemu/capabilities_text.h"

namespace bv::qemu {

namespace {

// Fields at the end of a line may be empty, and are then not there at all.
std::string_view Field(const std::vector<std::string_view>& fields, std::size_t index) {
  return index < fields.size() ? fields[index] : std::string_view();
}

unsigned Number(std::string_view text) {
  unsigned value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool HasWord(std::string_view words, std::string_view word) {
  for (std::size_t at = 0; (at = words.find(word, at)) != std::string_view::npos; at += word.size()) {
    bool begins = at == 0 || words[at - 1] == ' ';
    std::size_t end = at + word.size();
    if (begins && (end == words.size() || words[end] == ' ')) return true;
  }
  return false;
}

bool HasLetter(std::string_view letters, char letter) { return letters.find(letter) != std::string_view::npos; }

}  // namespace

std::shared_ptr<const QemuCaps> QemuCaps::Parse(std::string text) {
  return std::shared_ptr<const QemuCaps>(new QemuCaps(std::move(text)));
}

QemuCaps::QemuCaps(std::string text) : text_(std::move(text)) {
  static_assert(static_cast<std::size_t>(QemuCap::kNetdevStream) < decltype(flags_)().size());
  auto lines = SplitAt(text_, '\n');
  if (lines.empty() || lines.front() != kCapsTextHeader || lines.back() != kCapsTextEnd) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "not a complete capabilities text");
  }
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    auto fields = SplitAt(lines[i], '\t');
    ParseLine(fields);
  }
  version_ = Number(Value("version"));
}

// See capabilities_text.h.
void QemuCaps::ParseLine(std::vector<std::string_view>& fields) {
  std::string_view key = Field(fields, 0);
  std::string_view first = Field(fields, 1);
  if (key == "flags") {
    for (std::string_view name : SplitAt(first, ' ')) {
      if (auto cap = FindQemuCap(name)) flags_.set(static_cast<std::size_t>(*cap));
    }
  } else if (key == "types") {
    types_ = SplitAt(first, ' ');
  } else if (key == "commands") {
    commands_ = first;
  } else if (key == "properties") {
    properties_.emplace_back(first, Field(fields, 2));
  } else if (key == "machine") {
    ParseMachine(fields);
  } else if (key == "accelerator") {
    CpuDataNamed(first).known = true;
  } else if (key == "cpu") {
    ParseCpu(fields);
  } else if (key == "host-cpu") {
    std::string_view kind = Field(fields, 3);
    CpuProperty property{.name = Field(fields, 2), .value = Field(fields, 4), .migratable = !HasLetter(kind, '!')};
    property.kind = HasLetter(kind, 'b') ? CpuProperty::Kind::kBool
                    : HasLetter(kind, 'n') ? CpuProperty::Kind::kNumber
                                           : CpuProperty::Kind::kString;
    CpuDataNamed(first).host.push_back(property);
  } else if (key == "hyperv") {
    hyperv_ = SplitAt(first, ' ');
  } else if (key == "sev") {
    has_sev_ = true;
    sev_ = {first, Field(fields, 2), Field(fields, 3), Number(Field(fields, 4)), Number(Field(fields, 5))};
  } else {
    values_.emplace_back(key, first);
  }
}

void QemuCaps::ParseMachine(const std::vector<std::string_view>& fields) {
  std::string_view letters = Field(fields, 3);
  machines_.push_back({.name = Field(fields, 1),
                       .alias = Field(fields, 4),
                       .default_cpu = Field(fields, 5),
                       .default_ram_id = Field(fields, 6),
                       .max_cpus = Number(Field(fields, 2)),
                       .hotpluggable_cpus = HasLetter(letters, 'h'),
                       .deprecated = HasLetter(letters, 'd'),
                       .is_default = HasLetter(letters, '*'),
                       .numa_mem_supported = HasLetter(letters, 'n')});
}

void QemuCaps::ParseCpu(const std::vector<std::string_view>& fields) {
  using Usable = QemuCpuModel::Usable;
  std::string_view letters = Field(fields, 4);
  QemuCpuModel model{.name = Field(fields, 2), .type = Field(fields, 3)};
  model.usable = HasLetter(letters, 'y') ? Usable::kYes : HasLetter(letters, 'n') ? Usable::kNo : Usable::kUnknown;
  model.deprecated = HasLetter(letters, 'd');
  model.blockers = SplitAt(Field(fields, 5), ' ');
  CpuDataNamed(Field(fields, 1)).models.push_back(std::move(model));
}

QemuCaps::CpuData& QemuCaps::CpuDataNamed(std::string_view accelerator) { return cpus_[accelerator == "tcg"]; }

std::string_view QemuCaps::Value(std::string_view key) const {
  for (const auto& [name, value] : values_) {
    if (name == key) return value;
  }
  return {};
}

std::vector<std::string_view> QemuCaps::FlagNames() const {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < QemuCapRules().size(); ++i) {
    if (flags_.test(i)) names.push_back(QemuCapRules()[i].name);
  }
  return names;
}

bool QemuCaps::HasType(std::string_view type) const { return std::ranges::binary_search(types_, type); }

bool QemuCaps::HasProperty(std::string_view type, std::string_view property) const {
  auto found = std::ranges::find(properties_, type, &std::pair<std::string_view, std::string_view>::first);
  if (found != properties_.end()) return HasWord(found->second, property);
  if (HasType(type)) LogError("qemu.qemu_capabilities", "the properties of {} were not asked for", type);
  return false;
}

bool QemuCaps::HasCommand(std::string_view command) const { return HasWord(commands_, command); }

bool QemuCaps::HasAccelerator(Accelerator accelerator) const {
  return Has(accelerator == Accelerator::kKvm ? QemuCap::kKvm : QemuCap::kTcg);
}

const MachineType* QemuCaps::FindMachine(std::string_view name) const {
  for (const MachineType& machine : machines_) {
    if (machine.name == name || (!machine.alias.empty() && machine.alias == name)) return &machine;
  }
  return nullptr;
}

std::string_view QemuCaps::CanonicalMachine(std::string_view name) const {
  const MachineType* machine = FindMachine(name);
  return machine ? machine->name : name;
}

const MachineType* QemuCaps::DefaultMachine() const {
  auto found = std::ranges::find(machines_, true, &MachineType::is_default);
  return found == machines_.end() ? nullptr : &*found;
}

const QemuCpuModel* QemuCaps::FindCpuModel(Accelerator accelerator, std::string_view name) const {
  for (const QemuCpuModel& model : cpu_models(accelerator)) {
    if (model.name == name) return &model;
  }
  return nullptr;
}

}  // namespace bv::qemu
