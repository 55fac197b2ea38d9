#pragma once

#include <string>

#include "qemu/config.h"

namespace bv::model {
struct DomainDef;
}

// The file with a guest's own variables of its UEFI firmware.
namespace bv::qemu {

// Where it is kept when the definition does not say.
std::string NvramPath(const QemuConfig& config, const std::string& name);
// Where a guest's is, or will be once it has been started. Empty when it has none.
std::string NvramFile(const model::DomainDef& def, const QemuConfig& config);

// What it is made of at the first start.
struct NvramPlan {
  std::string path, variables, loader;  // `variables` may be empty: then what goes with the loader is looked for
};
NvramPlan PlanNvram(const model::DomainDef& def, const QemuConfig& config);
// For the pool. Makes the file unless it is there. kOperationFailed when nothing goes with the loader.
void MakeNvram(const NvramPlan& plan, const QemuConfig& config);

// The next start makes it anew.
void ForgetNvram(const model::DomainDef& def, const QemuConfig& config);

}  // namespace bv::qemu
