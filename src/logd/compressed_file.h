#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"

namespace bv::logd {

// A rolled-over log file in zstd's format, which `zstdcat` and the like read. It begins with a frame
// that they skip, and that says which file this was, since positions go by inode. Little-endian:
//
//   4  0x184D2A5B          a skippable frame of zstd
//   4  16                  bytes that follow in it
//   8  "bvlogd\0\1"        the last byte is the format's version
//   8  inode               of the file before it was compressed
//
// All of these block. The inode is 0 for files that are not ours or not there.

std::uint64_t CompressedInode(int fd);
std::uint64_t CompressedInode(const std::string& path);

// Writes what `source` holds to `path`, mode 0600, complete on disk when it returns. Throws
// kSystemError (domain kNone), with nothing left at `path`.
void CompressTo(const std::string& path, int source);

// Appends to `data` until it has `max` bytes, from the `offset`th byte of the original on. What a
// damaged file still gives is taken.
void ReadCompressed(int fd, std::uint64_t offset, std::uint64_t max, std::string& data);

}  // namespace bv::logd
