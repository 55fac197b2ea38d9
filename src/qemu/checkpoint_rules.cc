#include "qemu/checkpoint_rules.h"

#include <fmt/core.h>

#include "base/error.h"
#include "qemu/disk_names.h"

namespace bv::qemu {
namespace {

using model::CheckpointType;

template <typename... Args>
[[noreturn]] void Unsupported(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kDomainCheckpoint, ErrorCode::kConfigUnsupported, fmt::format(format, std::forward<Args>(args)...));
}

// Nothing changes there.
bool IsStill(const model::Disk& disk) { return disk.source.IsEmpty() || disk.source.readonly; }

}  // namespace

void AlignCheckpointDisks(model::Checkpoint& checkpoint, const model::DomainDef& def) {
  if (def.disks.empty()) Unsupported("domain must have at least one disk to perform checkpoints");
  if (checkpoint.disks.size() > def.disks.size()) Unsupported("too many disk checkpoint requests for domain");
  std::vector<std::optional<model::CheckpointDisk>> aligned(def.disks.size());
  for (auto& wanted : checkpoint.disks) {
    auto index = DiskIndex(def, wanted.name);
    if (!index) Unsupported("no disk named '{}'", wanted.name);
    if (aligned[*index]) Unsupported("disk '{}' specified twice", wanted.name);
    auto& disk = *def.disks[*index];
    if (IsStill(disk) && wanted.type != CheckpointType::kNo) Unsupported("disk '{}' is empty or readonly", wanted.name);
    if (wanted.type == CheckpointType::kDefault) wanted.type = CheckpointType::kBitmap;
    wanted.name = disk.dst;
    aligned[*index] = std::move(wanted);
  }
  auto rest = checkpoint.disks.empty() ? CheckpointType::kBitmap : CheckpointType::kNo;
  checkpoint.disks.clear();
  for (std::size_t i = 0; i < aligned.size(); ++i) {
    auto& disk = *def.disks[i];
    if (!aligned[i]) {
      aligned[i].emplace();
      aligned[i]->name = disk.dst;
      aligned[i]->type = IsStill(disk) ? CheckpointType::kNo : rest;
    }
    if (aligned[i]->type == CheckpointType::kBitmap && !aligned[i]->bitmap) aligned[i]->bitmap = checkpoint.name;
    checkpoint.disks.push_back(std::move(*aligned[i]));
  }
}

void PrepareRedefinition(const MomentTree<model::Checkpoint>& tree, model::Checkpoint& checkpoint, const Uuid& domain) {
  CheckParent(tree, checkpoint);
  if (!checkpoint.domain) return;
  if (checkpoint.domain->uuid != domain)
    throw Error(ErrorDomain::kDomainCheckpoint, ErrorCode::kInvalidArg,
                fmt::format("definition for checkpoint {} must use uuid {}", checkpoint.name, domain.ToString()));
  AlignCheckpointDisks(checkpoint, *checkpoint.domain);
}

}  // namespace bv::qemu
