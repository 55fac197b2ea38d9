#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/task.h"
#include "model/domain/disk.h"
#include "qemu/guests.h"
#include "qemu/ownership.h"
#include "qemu/plug_steps.h"

namespace bv::qemu {

// An image on its way into a disk of a running guest: an overlay of a snapshot, or what a disk is copied to.
struct NewImage {
  model::Disk* disk = nullptr;
  std::unique_ptr<model::StorageSource> source;
  std::string backing;  // the node that is under it at once; empty: none
  std::vector<PlugStep> steps;
  bool made = false;  // its file is ours to remove
  bool plugged = false, locked = false;
  std::vector<OwnedFile> given;
};

// What a guest sees of a node's image, in bytes.
Task<std::uint64_t> VirtualSize(Guests* guests, DomainPtr domain, std::string node);
// Its file is there: it becomes a node of QEMU's, and the guest's to lock and to own.
// What was done by then when this throws is taken back by TakeBack(). Callers hold a job; the image outlives the call.
Task<> PlugImage(Guests* guests, DomainPtr domain, NewImage* image);
Task<> TakeBack(Guests* guests, DomainPtr domain, NewImage* image);

}  // namespace bv::qemu
