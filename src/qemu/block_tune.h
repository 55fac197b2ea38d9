#pragma once

#include "model/domain/disk.h"
#include "qemu/monitor.h"

namespace bv::qemu {

// A disk's throttling, which QEMU is told over the monitor.
bool HasThrottle(const model::IoTune& tune);
MonitorCommand ThrottleCommand(const model::Disk& disk);
// The same for other limits than the disk's own.
MonitorCommand ThrottleCommand(const model::Disk& disk, const model::IoTune& tune);

// How QEMU names a disk's front end: the QOM path or id that block commands take.
std::string DiskQomName(const model::Disk& disk);

}  // namespace bv::qemu
