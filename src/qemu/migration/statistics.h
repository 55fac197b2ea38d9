#pragma once

#include <memory>

#include "base/xml.h"
#include "qemu/guest.h"
#include "qemu/migration/state.h"

namespace bv::qemu {

// What QEMU answered to query-migrate, as statistics of the job `operation`. `migration` has the times.
std::unique_ptr<CompletedJob> MigrationStatistics(const Json& answer, const Migration& migration, int operation);

// <statistics> of a cookie. The times travel with it, so that the other host can say how long it all took.
void FormatStatistics(xml::Writer& out, const CompletedJob& job);
std::unique_ptr<CompletedJob> ParseStatistics(const xml::Node& node);

// The destination has the guest now: the times up to here.
void CompleteStatistics(CompletedJob& job);

}  // namespace bv::qemu
