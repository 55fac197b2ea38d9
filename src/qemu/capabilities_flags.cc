#include "qemu/capabilities_flags.h"

#include <algorithm>

namespace bv::qemu {

namespace {

using Source = QemuCapRule::Source;

struct Rule {
  Source source;
  const char* subject = nullptr;
  const char* member = nullptr;
  unsigned version = 0;
};

constexpr Rule Type(const char* type) { return {Source::kType, type}; }
constexpr Rule Prop(const char* device, const char* property) { return {Source::kProperty, device, property}; }
constexpr Rule PropOff(const char* device, const char* property) { return {Source::kPropertyOff, device, property}; }
constexpr Rule ObjProp(const char* type, const char* property) { return {Source::kObjectProperty, type, property}; }
constexpr Rule Command(const char* command) { return {Source::kCommand, command}; }
constexpr Rule Schema(const char* path) { return {Source::kSchema, path}; }
constexpr Rule Option(const char* option, const char* parameter) { return {Source::kOption, option, parameter}; }
constexpr Rule Migration(const char* capability) { return {Source::kMigration, capability}; }
constexpr Rule TpmModel(const char* model) { return {Source::kTpmModel, model}; }
constexpr Rule TpmType(const char* type) { return {Source::kTpmType, type}; }
constexpr Rule Since(unsigned version) { return {Source::kSince, nullptr, nullptr, version}; }
constexpr Rule X86Only() { return {Source::kX86Only}; }
constexpr Rule Derived() { return {Source::kDerived}; }

constexpr QemuCapRule Row(std::string_view name, Rule rule) {
  return {name, rule.source, rule.subject, rule.member, rule.version};
}

constexpr QemuCapRule kRules[] = {
#define CAP(enumerator, name, rule) Row(name, rule),
#include "qemu/capabilities_flags.inc"
#undef CAP
};

}  // namespace

std::span<const QemuCapRule> QemuCapRules() { return kRules; }

std::optional<QemuCap> FindQemuCap(std::string_view name) {
  auto found = std::ranges::find(kRules, name, &QemuCapRule::name);
  if (found == std::end(kRules)) return std::nullopt;
  return static_cast<QemuCap>(found - std::begin(kRules));
}

}  // namespace bv::qemu
