#pragma once

#include <optional>
#include <string>
#include <vector>

#include "qemu/command_line/context.h"

namespace bv::qemu {

// A StorageSource as QEMU's block layer has it: a node that reads bytes from somewhere, maybe one
// that cuts a slice out of it, and one that knows the format. Names follow from the source's id
// ("libvirt-3-storage", "libvirt-3-slice-sto", "libvirt-3-format").
struct BlockNames {
  std::string storage, slice, format;
  // What sits directly under the format.
  const std::string& Lower() const { return slice.empty() ? storage : slice; }
};
BlockNames NamesOf(const model::StorageSource& source);
// For sources that are known by what they are for ("pflash0").
BlockNames NamesOf(const model::StorageSource& source, std::string_view purpose);

// How a chain is opened: a disk's <driver> options, inherited by the images below it.
struct BlockOptions {
  model::DiskCache cache = model::DiskCache::kDefault;
  model::DiskIo io = model::DiskIo::kDefault;
  model::DiskDiscard discard = model::DiskDiscard::kDefault;
  model::DiskDetectZeroes detect_zeroes = model::DiskDetectZeroes::kDefault;
  bool floppy = false;
  bool readonly = false;  // whatever the source says
};

// Everything to make one image of a chain available, in the order in which it must be made:
// objects, then nodes. For the command line and for hot-plug alike.
struct BlockLayer {
  std::vector<Props> objects;
  std::vector<Props> nodes;
};

// The layer of `source` alone. `backing_node` is the name of the format node under it; nullopt when
// QEMU shall look into the image, "" when the chain ends here.
// Throws kConfigUnsupported and kInternalError for what this QEMU cannot open, and whatever
// BuildOptions::secret_value throws.
BlockLayer DescribeBlockLayer(const model::StorageSource& source, const BlockNames& names, const BlockOptions& options,
                              const std::optional<std::string>& backing_node, const Context& context);

// The whole chain, the deepest image first.
std::vector<BlockLayer> DescribeChain(const model::StorageSource& top, const BlockOptions& options, const Context& context);

void AddBlockLayer(const BlockLayer& layer, CommandLine* out);

// The node that reads an image's bytes, without a name or cache options: also used for what has no
// format, as iSCSI host devices.
Props DescribeStorage(const model::StorageSource& source, const BlockNames& names, const BlockOptions& options,
                      const Context& context);
// Secrets and TLS credentials which that node names.
std::vector<Props> DescribeStorageObjects(const model::StorageSource& source, const BlockNames& names, const Context& context);

}  // namespace bv::qemu
