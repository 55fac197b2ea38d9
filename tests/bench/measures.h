#pragma once

#include "daemon.h"

// What is measured, by topic. Each starts and ends the daemons it needs and returns samples by name; `quick` means fewer
// rounds, for trying out. Medians over rounds, each with its limit measured in the same round.
namespace bench {

// exec, capabilities, memory, sizes
Samples MeasureStart(const Side& side, bool quick);
// calls per second
Samples MeasureCalls(const Side& side, bool quick);
// thousands of domains
Samples MeasureScale(const Side& side, bool quick);
// guests: start, destroy, many at once
Samples MeasureGuests(const Side& side, bool quick);

// A 64 MiB KVM guest without a disk image of its own unless `disk` names one; its firmware halts, so its vCPU sleeps.
std::string GuestXml(const std::string& name, const std::string& disk = {});
inline const std::string kImages = "/var/lib/libvirt/images";

}  // namespace bench
