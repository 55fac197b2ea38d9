#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace bv::logd {

// What the files of the log NAME are called:
//   NAME           written now
//   NAME.0         the one before; NAME.1 the one before that, and so on
//   NAME.0.zst     the same, compressed; its index shifts like those of the others
//   NAME.new, NAME.zst.new   on their way to become the first and the last; worthless after a crash
inline std::string BackupName(const std::string& path, unsigned number) { return path + "." + std::to_string(number); }
inline std::string CompressedName(const std::string& path, unsigned number) { return BackupName(path, number) + ".zst"; }
inline std::string NextName(const std::string& path) { return path + ".new"; }
inline std::string CompressingName(const std::string& path) { return path + ".zst.new"; }

// Where a byte of a log is: the file may have been renamed or compressed since, its inode is remembered.
struct LogPosition {
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
};

// The rules of a log: NAME grows to `max_size` bytes, then becomes NAME.0, that NAME.1 and so on,
// `max_backups` of them. 0 backups: the file starts again from nothing.
struct RotationLimits {
  std::uint64_t max_size = 2u << 20;  // bytes; 0: no limit
  unsigned max_backups = 3;
  bool compress = false;  // backups, to NAME.N.zst
};

// The inode of an open or a named file; 0 when it cannot be had.
std::uint64_t InodeOf(int fd);
std::uint64_t InodeOf(const std::string& path);

}  // namespace bv::logd
