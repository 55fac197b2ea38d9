// Limits that migrations keep to. QEMU holds them itself, except for the bandwidth, which libvirt
// applies when one begins.

#include <fmt/core.h>

#include <limits>

#include "base/error.h"
#include "qemu/driver.h"

namespace bv::qemu {
namespace {

constexpr std::uint64_t kMib = 1024 * 1024;
// MiB/s that QEMU's signed, and for post-copy unsigned, number of bytes can hold.
constexpr std::uint64_t kMaxSpeed = std::numeric_limits<std::int64_t>::max() / kMib;
constexpr std::uint64_t kMaxPostcopySpeed = std::numeric_limits<std::uint64_t>::max() / kMib;
constexpr unsigned kPostcopy = 1;

}  // namespace

Task<std::uint64_t> QemuDriver::MigrationParameter(DomainPtr domain, const char* name) {
  RequireActive(*domain);
  auto turn = co_await domain->jobs.Begin(Job::kQuery, "remoteDispatchDomainMigrateGetMaxDowntime");
  RequireActive(*domain);
  auto answer = co_await guests_->MonitorOf(domain).Execute("query-migrate-parameters");
  co_return answer[name].AsUint().value_or(0);
}

Task<> QemuDriver::SetMigrationParameter(DomainPtr domain, const char* name, std::uint64_t value) {
  RequireActive(*domain);
  auto turn = co_await domain->jobs.Begin(Job::kMigrationOp, "remoteDispatchDomainMigrateSetMaxDowntime");
  RequireActive(*domain);
  auto arguments = Json::Object({{name, value}});
  co_await guests_->MonitorOf(domain).Execute("migrate-set-parameters", arguments);
}

Task<> QemuDriver::DomainMigrateSetMaxSpeed(Call&, remote::DomainMigrateSetMaxSpeedArgs args) {
  CheckFlags(args.flags, kPostcopy, "qemuDomainMigrateSetMaxSpeed");
  auto domain = co_await Get(args.dom);
  auto limit = args.flags & kPostcopy ? kMaxPostcopySpeed : kMaxSpeed;
  if (args.bandwidth > limit)
    throw Error(ErrorDomain::kQemu, ErrorCode::kOverflow, fmt::format("bandwidth must be less than {}", limit + 1));
  if (args.flags & kPostcopy) {
    co_await SetMigrationParameter(domain, "max-postcopy-bandwidth", args.bandwidth * kMib);
    co_return;
  }
  if (domain->active()) co_await SetMigrationParameter(domain, "max-bandwidth", args.bandwidth * kMib);
  domain->migration_speed = args.bandwidth;
}

Task<remote::DomainMigrateGetMaxSpeedRet> QemuDriver::DomainMigrateGetMaxSpeed(
    Call&, remote::DomainMigrateGetMaxSpeedArgs args) {
  CheckFlags(args.flags, kPostcopy, "qemuDomainMigrateGetMaxSpeed");
  auto domain = co_await Get(args.dom);
  if (!(args.flags & kPostcopy)) co_return remote::DomainMigrateGetMaxSpeedRet{domain->migration_speed.value_or(kMaxSpeed)};
  auto bytes = co_await MigrationParameter(domain, "max-postcopy-bandwidth");
  co_return remote::DomainMigrateGetMaxSpeedRet{bytes / kMib};
}

Task<> QemuDriver::DomainMigrateSetMaxDowntime(Call&, remote::DomainMigrateSetMaxDowntimeArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainMigrateSetMaxDowntime");
  auto domain = co_await Get(args.dom);
  co_await SetMigrationParameter(domain, "downtime-limit", args.downtime);
}

Task<remote::DomainMigrateGetMaxDowntimeRet> QemuDriver::DomainMigrateGetMaxDowntime(
    Call&, remote::DomainMigrateGetMaxDowntimeArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainMigrateGetMaxDowntime");
  auto domain = co_await Get(args.dom);
  co_return remote::DomainMigrateGetMaxDowntimeRet{co_await MigrationParameter(domain, "downtime-limit")};
}

Task<> QemuDriver::DomainMigrateSetCompressionCache(Call&, remote::DomainMigrateSetCompressionCacheArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainMigrateSetCompressionCache");
  auto domain = co_await Get(args.dom);
  co_await SetMigrationParameter(domain, "xbzrle-cache-size", args.cacheSize);
}

Task<remote::DomainMigrateGetCompressionCacheRet> QemuDriver::DomainMigrateGetCompressionCache(
    Call&, remote::DomainMigrateGetCompressionCacheArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainMigrateGetCompressionCache");
  auto domain = co_await Get(args.dom);
  co_return remote::DomainMigrateGetCompressionCacheRet{co_await MigrationParameter(domain, "xbzrle-cache-size")};
}

Task<> QemuDriver::DomainStartDirtyRateCalc(Call&, remote::DomainStartDirtyRateCalcArgs args) {
  // virDomainDirtyRateCalcFlags: how pages are counted; sampling is the default.
  enum : unsigned { kPageSampling = 0, kDirtyBitmap = 1, kDirtyRing = 2 };
  CheckFlags(args.flags, kDirtyBitmap | kDirtyRing, "qemuDomainStartDirtyRateCalc");
  constexpr int kShortest = 1, kLongest = 60;
  if (args.seconds < kShortest || args.seconds > kLongest)
    throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported,
                fmt::format("seconds={} is invalid, please choose value within [{}, {}].", args.seconds, kShortest, kLongest));
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainStartDirtyRateCalc");
  RequireActive(*domain);
  auto arguments = Json::Object({{"calc-time", args.seconds}});
  if (args.flags & kDirtyBitmap) arguments.Set("mode", "dirty-bitmap");
  if (args.flags & kDirtyRing) arguments.Set("mode", "dirty-ring");
  co_await guests_->MonitorOf(domain).Execute("calc-dirty-rate", arguments);
}

}  // namespace bv::qemu
