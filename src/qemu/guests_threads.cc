// A running guest's threads: which there are, where they run, and vCPUs that come and go.

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "qemu/guest_threads.h"
#include "qemu/guests.h"
#include "qemu/vcpu_slots.h"

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;
// How long a guest may take to give a vCPU back before the call gives up; it may still do so later.
constexpr auto kUnplugLimit = 5s;

// 3 of "iothread3".
std::optional<unsigned> IothreadId(const std::string& name) {
  constexpr std::string_view kPrefix = "iothread";
  unsigned id = 0;
  if (!name.starts_with(kPrefix)) return std::nullopt;
  auto* end = name.data() + name.size();
  auto [rest, failed] = std::from_chars(name.data() + kPrefix.size(), end, id);
  if (failed != std::errc() || rest != end) return std::nullopt;
  return id;
}

// As long as a call waits for the removal of a device.
struct Unplugging {
  const DomainPtr& domain;
  Guest* guest;
  ~Unplugging() {
    if (domain->guest.get() == guest) guest->unplugging.clear();
  }
};

struct PlacedThread {
  ThreadPlace place;
  pid_t tid;
};

std::vector<PlacedThread> ThreadsOf(const Guest& guest, const model::DomainDef& def, const Json& iothreads) {
  std::vector<PlacedThread> threads;
  for (auto& vcpu : guest.vcpus) {
    if (vcpu.tid) threads.push_back({VcpuPlace(def, vcpu.id), vcpu.tid});
  }
  for (auto& thread : iothreads.elements()) {
    auto id = IothreadId(thread["id"].AsString().value_or(""));
    auto tid = static_cast<pid_t>(thread["thread-id"].AsInt().value_or(0));
    if (id && tid) threads.push_back({IothreadPlace(def, *id), tid});
  }
  return threads;
}

// Each thread into a group of its own. Moving them takes the kernel 10 to 30 ms, for which only those
// wait who gain something by it.
Task<> PlaceAll(Cgroup cgroup, std::vector<PlacedThread> threads) {
  bool wait = std::ranges::any_of(threads, [](auto& thread) { return thread.place.Matters(); });
  auto make = [cgroup, threads] {
    for (auto& thread : threads) MakePlace(cgroup, thread.place);
  };
  auto move = [cgroup, threads] {
    for (auto& thread : threads) MoveToPlace(cgroup, thread.place, thread.tid);
  };
  if (cgroup.available()) {
    co_await Offload(std::move(make));
    auto moved = Offload(std::move(move));
    if (wait) {
      co_await std::move(moved);
    } else {
      Spawn(std::move(moved), "thread cgroups");
    }
  }
  for (auto& thread : threads) SetThread(thread.place, thread.tid);
}

}  // namespace

std::set<std::string> Guests::Peripherals(const Json& list) {
  std::set<std::string> aliases;
  for (auto& child : list.elements()) {
    if (child["type"].AsString().value_or("").starts_with("child<")) aliases.insert(child["name"].AsString().value_or(""));
  }
  return aliases;
}

void Guests::ReadVcpus(Guest& guest, const Json& cpus) {
  guest.vcpus.clear();
  for (auto& cpu : cpus.elements()) {
    Guest::Vcpu vcpu;
    vcpu.id = static_cast<unsigned>(cpu["cpu-index"].AsUint().value_or(0));
    vcpu.tid = static_cast<pid_t>(cpu["thread-id"].AsInt().value_or(0));
    vcpu.qom_path = cpu["qom-path"].AsString().value_or("");
    constexpr std::string_view kPlugged = "/machine/peripheral/";
    if (vcpu.qom_path.starts_with(kPlugged)) vcpu.alias = vcpu.qom_path.substr(kPlugged.size());
    guest.vcpus.push_back(std::move(vcpu));
  }
  std::sort(guest.vcpus.begin(), guest.vcpus.end(), [](auto& a, auto& b) { return a.id < b.id; });
  // With TCG one thread may run them all.
  for (auto& vcpu : guest.vcpus) {
    if (guest.caps && vcpu.tid == guest.pid) vcpu.tid = 0;
  }
}

Task<> Guests::PlaceThreads(DomainPtr domain, Json iothreads) {
  co_await PlaceAll(domain->guest->cgroup, ThreadsOf(*domain->guest, domain->def(), iothreads));
}

Task<> Guests::PlugVcpus(DomainPtr domain, std::vector<unsigned> ids) {
  auto slots = ReadVcpuSlots(co_await MonitorOf(domain).Execute("query-hotpluggable-cpus"));
  std::vector<MonitorCommand> commands;
  for (auto id : ids) {
    if (id >= slots.size())
      throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, fmt::format("qemu didn't report place of vcpu '{}'", id));
    auto& command = commands.emplace_back();
    command.name = "device_add";
    command.arguments = slots[id].plug;
    command.arguments.Set("id", fmt::format("vcpu{}", id));
  }
  auto replies = co_await MonitorOf(domain).ExecuteAll(std::move(commands));
  for (auto& reply : replies) reply.Value();
}

Task<> Guests::AddVcpu(DomainPtr domain, unsigned id) {
  std::vector<unsigned> one(1, id);
  co_await PlugVcpus(domain, std::move(one));
  auto cpus = co_await MonitorOf(domain).Execute("query-cpus-fast");
  ReadVcpus(*domain->guest, cpus);
  std::vector<PlacedThread> threads;
  for (auto& vcpu : domain->guest->vcpus) {
    if (vcpu.id == id && vcpu.tid) threads.push_back({VcpuPlace(domain->def(), id), vcpu.tid});
  }
  co_await PlaceAll(domain->guest->cgroup, std::move(threads));
}

Task<> Guests::RemoveVcpu(DomainPtr domain, unsigned id) {
  auto* guest = domain->guest.get();
  auto alias = fmt::format("vcpu{}", id);
  if (!co_await UnplugDevice(domain, alias, kUnplugLimit))
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationTimeout, "vcpu unplug request timed out. Unplug result must be manually inspected in the domain");
  auto cpus = co_await MonitorOf(domain).Execute("query-cpus-fast");
  if (domain->guest.get() != guest) co_return;
  ReadVcpus(*guest, cpus);
  guest->cgroup.RemoveGroup(alias);
}

Task<bool> Guests::UnplugDevice(DomainPtr domain, std::string alias, Clock::duration limit) {
  auto* guest = domain->guest.get();
  guest->removed_devices.erase(alias);
  guest->unplug_failures.erase(alias);
  guest->unplugging = alias;
  const Unplugging unplugging{domain, guest};
  auto deadline = In(limit);
  auto arguments = Json::Object();
  arguments.Set("id", alias);
  co_await MonitorOf(domain).Execute("device_del", arguments);
  for (;;) {
    MonitorOf(domain);  // throws when the guest is gone
    if (domain->guest.get() != guest) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "domain is not running");
    if (guest->removed_devices.erase(alias)) co_return true;
    if (guest->unplug_failures.erase(alias))
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, "unplug of device was rejected by the guest");
    if (!co_await guest->changed.Wait(deadline)) co_return false;
  }
}

}  // namespace bv::qemu
