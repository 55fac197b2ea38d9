#include <algorithm>

#include "qemu/defaults/device_defaults.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

namespace {

SerialTarget DefaultTarget(const DomainDef& def) {
  if (IsX86(def)) return SerialTarget::kIsa;
  if (IsPseries(def)) return SerialTarget::kSpaprVio;
  if (IsArmVirt(def) || IsRiscvVirt(def)) return SerialTarget::kSystem;
  return IsS390(def) ? SerialTarget::kSclp : SerialTarget::kNone;
}

SerialModel DefaultModel(const DomainDef& def, SerialTarget target) {
  switch (target) {
    case SerialTarget::kIsa: return SerialModel::kIsa;
    case SerialTarget::kUsb: return SerialModel::kUsb;
    case SerialTarget::kPci: return SerialModel::kPci;
    case SerialTarget::kIsaDebug: return SerialModel::kIsaDebugcon;
    case SerialTarget::kSpaprVio: return SerialModel::kSpaprVty;
    case SerialTarget::kSystem: return IsRiscvVirt(def) ? SerialModel::k16550a : SerialModel::kPl011;
    case SerialTarget::kSclp: return SerialModel::kSclpConsole;
    default: return SerialModel::kNone;
  }
}

void Number(DomainDef::List<Chardev>& list) {
  int highest = -1;
  for (auto& chardev : list) {
    if (chardev->port) highest = std::max(highest, static_cast<int>(*chardev->port));
  }
  for (auto& chardev : list) {
    if (!chardev->port) chardev->port = static_cast<unsigned>(++highest);
  }
}

// The socket of a channel that was written without a path lies in a directory of the running guest:
// the path must not stay in the definition.
void ForgetGeneratedPath(const QemuConfig& config, Chardev& channel) {
  if (channel.channel_target != ChannelTarget::kVirtio || channel.source.type != ChardevType::kUnix) return;
  std::string_view path = channel.source.path;
  const std::string& directory = config.dirs.channel_target;
  if (directory.empty() || !path.starts_with(directory + "/")) return;
  path.remove_prefix(directory.size() + 1);
  // "DOMAIN.NAME" as it was once, "domain-ID-DOMAIN/NAME" since.
  auto slash = path.find('/');
  bool flat = slash == path.npos && path.ends_with("." + channel.target_name);
  bool nested = slash != path.npos && path.starts_with("domain-") && path.substr(slash + 1) == channel.target_name;
  if (!flat && !nested) return;
  channel.source.path.clear();
  channel.source.listen = true;
}

}  // namespace

void CompleteChardevs(DomainDef& def, const QemuConfig& config) {
  for (auto& serial : def.serials) {
    if (serial->serial_target == SerialTarget::kNone) serial->serial_target = DefaultTarget(def);
    if (serial->serial_model == SerialModel::kNone) serial->serial_model = DefaultModel(def, serial->serial_target);
  }
  for (auto& console : def.consoles) {
    if (console->console_target == ConsoleTarget::kNone) console->console_target = ConsoleTarget::kSerial;
  }
  Number(def.serials);
  Number(def.parallels);
  for (auto& channel : def.channels) ForgetGeneratedPath(config, *channel);
}

}  // namespace bv::qemu
