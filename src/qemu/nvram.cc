#include "qemu/nvram.h"

#include <fmt/core.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "model/domain/domain.h"
#include "qemu/command_line/firmware_select.h"

namespace bv::qemu {
namespace {

using namespace model;

// As qemu.conf pairs them, or as the firmware's own descriptor does.
std::string VariablesFor(const std::string& loader, const QemuConfig& config) {
  for (const std::string& pair : config.nvram) {
    auto colon = pair.find(':');
    if (colon != std::string::npos && pair.substr(0, colon) == loader) return pair.substr(colon + 1);
  }
  for (auto& firmware : ReadFirmwareDescriptors(FirmwareDirectories(config.privileged))) {
    if (firmware.executable == loader && !firmware.nvram_template.empty()) return firmware.nvram_template;
  }
  throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, fmt::format("unable to find any master var store for loader: {}", loader));
}

}  // namespace

std::string NvramPath(const QemuConfig& config, const std::string& name) { return fmt::format("{}/{}_VARS.fd", config.dirs.nvram, name); }

std::string NvramFile(const DomainDef& def, const QemuConfig& config) {
  const Os& os = def.os;
  if (os.nvram && !os.nvram->source.path.empty()) return os.nvram->source.type == StorageType::kFile ? os.nvram->source.path : std::string();
  if (os.nvram && os.nvram->source.type == StorageType::kNetwork) return {};
  const bool flash = os.loader && os.loader->type == LoaderType::kPflash && os.loader->readonly == YesNo::kYes;
  if (os.loader && os.loader->stateless == YesNo::kYes) return {};
  return flash || os.firmware == Firmware::kEfi ? NvramPath(config, def.name) : std::string();
}

NvramPlan PlanNvram(const DomainDef& def, const QemuConfig& config) {
  NvramPlan plan;
  if (!def.os.loader || !def.os.nvram || def.os.nvram->source.path.empty()) return plan;
  plan.path = NvramFile(def, config);
  plan.variables = def.os.nvram->template_path;
  plan.loader = def.os.loader->path;
  return plan;
}

void MakeNvram(const NvramPlan& plan, const QemuConfig& config) {
  if (plan.path.empty() || FileExists(plan.path)) return;
  const std::string from = !plan.variables.empty() ? plan.variables : VariablesFor(plan.loader, config);
  WriteFileAtomic(plan.path, ReadFile(from), 0600);
  if (config.privileged && chown(plan.path.c_str(), config.uid, config.gid) != 0)
    throw SystemError(ErrorDomain::kQemu, fmt::format("cannot change ownership of '{}'", plan.path));
}

void ForgetNvram(const DomainDef& def, const QemuConfig& config) {
  const std::string path = NvramFile(def, config);
  if (!path.empty() && unlink(path.c_str()) != 0 && errno != ENOENT)
    throw SystemError(ErrorDomain::kQemu, fmt::format("failed to remove nvram: {}", path));
}

}  // namespace bv::qemu
