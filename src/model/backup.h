#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/domain/disk.h"

// <domainbackup>: which disks of a running guest are copied as they are at one moment, and where to.
namespace bv::model {

enum class BackupMode : std::uint8_t { kDefault, kFull, kIncremental };
template <>
struct Spelling<BackupMode> {
  static constexpr const char* kNames[] = {"", "full", "incremental"};
};

struct BackupDisk {
  std::string name;
  bool wanted = true;
  StorageSource store;      // the target, or what keeps the old state while it is fetched; its format too
  BackupMode mode = BackupMode::kDefault;
  std::string incremental;  // the checkpoint since which changes are wanted
  std::string exportname, exportbitmap;
};

struct Backup {
  bool pull = false;
  std::string incremental;
  StorageHost server;
  YesNo tls = YesNo::kAbsent;
  std::vector<BackupDisk> disks;
  bool disks_given = false;
};

// Held against the schema. Throws libvirt's errors.
Backup ParseBackup(std::string_view xml, bool validate = true);
std::string FormatBackup(const Backup& backup);

}  // namespace bv::model
