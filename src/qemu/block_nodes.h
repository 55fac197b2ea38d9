#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "model/domain/disk.h"
#include "qemu/command_line/context.h"
#include "qemu/guests.h"

namespace bv::qemu {

// Single images of a running guest's disks in QEMU's block layer. Callers hold a job of the domain.

// Makes an image that is below others writable, or read-only again.
Task<> ReopenImage(Guests* guests, DomainPtr domain, const model::Disk& disk, const model::StorageSource& image, bool writable);

// While it lives, some images are writable; Close() takes that back.
class WritableImages {
 public:
  WritableImages(Guests* guests, DomainPtr domain) : guests_(guests), domain_(std::move(domain)) {}
  // The top of a chain is writable anyway. The disk must stay until Close().
  Task<> Open(const model::Disk& disk, const model::StorageSource& image);
  Task<> Close();

 private:
  struct Opened {
    const model::Disk* disk;
    const model::StorageSource* image;
  };
  Guests* guests_;
  DomainPtr domain_;
  std::vector<Opened> opened_;
};

// What gives QEMU the image, and takes it away again, alone: its nodes, on top of `backing_node` ("" for
// none; nullopt when QEMU is to find out itself).
Task<std::vector<PlugStep>> ImageSteps(DomainPtr domain, const QemuConfig& config, const model::Disk& disk,
                                       const model::StorageSource& image, std::optional<std::string> backing_node);
// What takes an image away that QEMU has.
std::vector<MonitorCommand> ImageRemoval(const DomainPtr& domain, const QemuConfig& config, const model::Disk& disk,
                                         const model::StorageSource& image);

}  // namespace bv::qemu
