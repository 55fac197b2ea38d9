#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/domain/storage_source.h"

namespace bv {

// What the header of a disk image says. Only the header is read, and only of the format that the
// caller trusts the image to have: a guest can write anything into a raw disk.
struct ImageHeader {
  std::uint64_t capacity = 0;              // bytes the guest sees
  std::string backing;                     // as written in the image; empty: none
  model::StorageFormat backing_format = model::StorageFormat::kNone;  // kNone: the image does not say
  bool encrypted = false;
  // Formats that have them; LUKS headers count as an encryption of what is behind them.
  model::EncryptionFormat encryption = model::EncryptionFormat::kDefault;
  std::uint64_t cluster_size = 0;          // bytes
  bool version3 = false;                   // qcow2 with "compat" 1.1: features have a meaning
  bool lazy_refcounts = false, extended_l2 = false;
};

// Reads the header of `path` as `format`. nullopt when it is not of that format. Throws kSystemError when the
// file cannot be read. Blocks.
std::optional<ImageHeader> ProbeImage(const std::string& path, model::StorageFormat format);
std::optional<ImageHeader> ProbeImage(int fd, model::StorageFormat format);

// The format that the first bytes speak of; kRaw for unknown ones. Blocks. For images that no
// guest could have written.
model::StorageFormat DetectImageFormat(const std::string& path);
model::StorageFormat DetectImageFormat(int fd);

}  // namespace bv
