#include "qemu/disk_names.h"

namespace bv::qemu {

std::optional<std::size_t> DiskIndex(const model::DomainDef& def, std::string_view name) {
  if (name.empty()) return std::nullopt;
  bool path = name[0] == '/';
  for (std::size_t i = 0; i < def.disks.size(); ++i) {
    if ((path ? def.disks[i]->source.path : def.disks[i]->dst) == name) return i;
  }
  return std::nullopt;
}

model::Disk* FindDisk(const model::DomainDef& def, std::string_view name) {
  auto index = DiskIndex(def, name);
  return index ? def.disks[*index].get() : nullptr;
}

}  // namespace bv::qemu
