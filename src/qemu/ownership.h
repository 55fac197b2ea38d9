#pragma once

#include <string>
#include <vector>

namespace bv::model {
struct DomainDef;
struct Disk;
struct StorageSource;
}

namespace bv {
struct QemuConfig;
}

namespace bv::qemu {

// The dynamic ownership of a guest's files: they belong to the QEMU user while it runs. Who owned a
// file before is kept in extended attributes of libvirt's (trusted.libvirt.security.*, counted, so
// that several guests may share one), where the file system has them; without, files go back to root.

// One file to give to the guest.
struct OwnedFile {
  std::string path;
  bool remember = true;  // and give back; false for what other guests may have open too
};

// All files of `def` that ownership is about: images, kernel and initrd, firmware variables, host
// side files of character devices (unless virtlogd writes those) and so on. Nothing is looked up on disk.
std::vector<OwnedFile> OwnedFiles(const model::DomainDef& def, bool output_through_logd);
std::vector<OwnedFile> OwnedFiles(const model::Disk& disk);
std::vector<OwnedFile> OwnedFiles(const model::StorageSource& source);

// Both block: call them in Offload. Give throws kSystemError (domain of the security driver) when a
// file cannot be given away, after giving back those it had changed. GiveBack logs what fails.
void GiveFiles(const std::vector<OwnedFile>& files, unsigned uid, unsigned gid, bool remember_owner);
void GiveBackFiles(const std::vector<OwnedFile>& files, bool remember_owner);

}  // namespace bv::qemu
