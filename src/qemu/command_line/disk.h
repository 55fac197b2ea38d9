#pragma once

#include "qemu/command_line/storage.h"

namespace bv::qemu {

// The guest's side of a disk. Throws kInternalError for a bus that QEMU has no device for.
Props DescribeDisk(const model::Disk& disk, const Context& context);
// How its images are opened.
BlockOptions BlockOptionsOf(const model::Disk& disk);
// The node that the device is connected to: the top image, or a copy-on-read filter over it.
std::string DiskNode(const model::Disk& disk);
// The copy-on-read filter of a disk that wants one.
std::optional<Props> CopyOnReadNode(const model::Disk& disk);

// A disk's images, and the disk with them.
void AddMedium(const model::Disk& disk, const Context& context, CommandLine* out);
void AddDisk(const model::Disk& disk, const Context& context, CommandLine* out);
// Floppy drives in the boot order, then every disk with its images.
void AddDisks(const Context& context, CommandLine* out);
// The helper that hands out persistent reservations, when a disk has them managed.
void AddManagedReservations(const Context& context, CommandLine* out);

}  // namespace bv::qemu
