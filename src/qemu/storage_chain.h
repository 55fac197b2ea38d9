#pragma once

#include "base/task.h"
#include "qemu/config.h"

namespace bv::model {
struct DomainDef;
struct Disk;
struct StorageSource;
}

namespace bv::qemu {

// Finds the images under a disk's own: each header is read until one names no other, unless the
// definition says what lies below. A volume of a pool is located first. The chain ends with an empty source. Missing files and formats
// that do not fit throw libvirt's errors (domain kStorage). The reading is done in Offload.
Task<> ResolveChain(model::StorageSource* top, const QemuConfig& config);
// Of all disks; those with an optional medium that is not there lose it.
Task<> ResolveChains(model::DomainDef& def, const QemuConfig& config);

// The highest number among the images' block nodes.
unsigned LastNode(const model::DomainDef& def);

}  // namespace bv::qemu
