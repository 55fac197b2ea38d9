#pragma once

#include "daemon.h"

// What is measured, by topic. Each starts and ends the daemons it needs and adds samples by name as it goes; `quick` means
// fewer rounds, for trying out. Medians over rounds, each with its limit measured in the same round.
namespace bench {

// exec, capabilities, memory, sizes
void MeasureStart(const Side& side, bool quick, Samples& samples);
// calls per second
void MeasureCalls(const Side& side, bool quick, Samples& samples);
// thousands of domains
void MeasureScale(const Side& side, bool quick, Samples& samples);
// the domain language, by itself and in calls
void MeasureLanguage(const Side& side, bool quick, Samples& samples);
// guests: start, destroy, many at once
void MeasureGuests(const Side& side, bool quick, Samples& samples);
// running guests: statistics, save, restore, memory
void MeasureRunning(const Side& side, bool quick, Samples& samples);
// virtlogd and virtlockd
void MeasureLogs(const Side& side, bool quick, Samples& samples);
void MeasureLocks(const Side& side, bool quick, Samples& samples);
// virtlogd and virtlockd while they execute themselves anew
void MeasureUpgrade(const Side& side, bool quick, Samples& samples);

// A 64 MiB KVM guest without a disk image of its own unless `disk` names one; its firmware halts, so its vCPU sleeps.
std::string GuestXml(const std::string& name, const std::string& disk = {});
inline const std::string kImages = "/var/lib/libvirt/images";

}  // namespace bench
