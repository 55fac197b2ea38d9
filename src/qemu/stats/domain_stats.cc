#include "qemu/stats/domain_stats.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/fd.h"
#include "base/text.h"
#include "host/kernel_files.h"
#include "qemu/guest.h"
#include "qemu/perf_counters.h"
#include "qemu/stats/process_usage.h"

namespace bv::qemu {

namespace {

using model::InterfaceType;

// virVcpuState.
constexpr int kVcpuRunning = 1;

Json FindByName(const Json& list, const char* key, std::string_view name) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    Json element = list.at(i);
    if (element.Find(key).AsString() == name) return element;
  }
  return {};
}

std::uint64_t NumberIn(const Json& object, const char* key) { return object.Find(key).AsUint().value_or(0); }

// Stats of all virtual processors under one name, added up.
std::uint64_t SumOf(const Json& answer, std::string_view name) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < answer.size(); ++i) sum += NumberIn(FindByName(answer.at(i).Find("stats"), "name", name), "value");
  return sum;
}

std::optional<std::uint64_t> SizeOf(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) < 0) return std::nullopt;
  if (!S_ISBLK(info.st_mode)) return static_cast<std::uint64_t>(info.st_size);
  Fd device(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  off_t end = device ? lseek(device.get(), 0, SEEK_END) : -1;
  if (end < 0) return std::nullopt;
  return static_cast<std::uint64_t>(end);
}

std::string FormatNode(unsigned id) { return fmt::format("libvirt-{}-format", id); }

}  // namespace

bool SharesHostView(const model::Interface& interface) {
  switch ((interface.actual ? interface.actual->connection : interface).type) {
    case InterfaceType::kDirect: return true;
    default: return false;
  }
}

namespace {

std::optional<InterfaceCounters> CountersInSys(const host::KernelFiles& files, const std::string& device) {
  const std::string base = fmt::format("/sys/class/net/{}/statistics/", device);
  if (!files.Exists(base)) return std::nullopt;
  auto read = [&](const char* name) { return static_cast<std::int64_t>(files.ReadNumber(base + name).value_or(0)); };
  return InterfaceCounters{read("rx_bytes"), read("rx_packets"), read("rx_errors"), read("rx_dropped"),
                           read("tx_bytes"), read("tx_packets"), read("tx_errors"), read("tx_dropped")};
}

// One file for all: for where /sys is of another network namespace than ours, as in some containers.
std::optional<InterfaceCounters> CountersInProc(const host::KernelFiles& files, const std::string& device) {
  auto text = files.Read("/proc/net/dev");
  if (!text) return std::nullopt;
  for (std::string_view line : SplitAt(*text, '\n')) {
    auto colon = line.find(':');
    auto name = Words(line.substr(0, std::min(colon, line.size())));
    if (colon == line.npos || name.size() != 1 || name[0] != device) continue;
    auto fields = Words(line.substr(colon + 1));
    if (fields.size() < 12) return std::nullopt;
    auto read = [&](std::size_t i) { return std::strtoll(std::string(fields[i]).c_str(), nullptr, 10); };
    return InterfaceCounters{read(0), read(1), read(2), read(3), read(8), read(9), read(10), read(11)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<InterfaceCounters> CountersOf(const std::string& device, bool swapped) {
  host::KernelFiles files;
  if (device.empty() || device.find('/') != std::string::npos) return std::nullopt;
  auto found = CountersInSys(files, device);
  if (!found) found = CountersInProc(files, device);
  if (!found) return std::nullopt;
  InterfaceCounters counters = *found;
  if (!swapped) return counters;
  std::swap(counters.rx_bytes, counters.tx_bytes);
  std::swap(counters.rx_packets, counters.tx_packets);
  std::swap(counters.rx_errs, counters.tx_errs);
  std::swap(counters.rx_drop, counters.tx_drop);
  return counters;
}

std::vector<BalloonFigure> BalloonFigures(const GuestReport& report) {
  struct Row {
    int tag;
    const char* name;
    const char* member;
    unsigned divisor;
  };
  // Bytes become KiB; what is counted stays.
  static constexpr Row kRows[] = {
      {0, "swap_in", "stat-swap-in", 1024},          {1, "swap_out", "stat-swap-out", 1024},
      {2, "major_fault", "stat-major-faults", 1},    {3, "minor_fault", "stat-minor-faults", 1},
      {4, "unused", "stat-free-memory", 1024},       {5, "available", "stat-total-memory", 1024},
      {8, "usable", "stat-available-memory", 1024},
      {10, "disk_caches", "stat-disk-caches", 1024}, {11, "hugetlb_pgalloc", "stat-htlb-pgalloc", 1},
      {12, "hugetlb_pgfail", "stat-htlb-pgfail", 1},
  };
  constexpr int kLastUpdate = 9;
  std::vector<BalloonFigure> figures;
  if (!report.balloon) return figures;
  Json stats = report.balloon.Find("stats");
  for (const Row& row : kRows) {
    auto value = stats.Find(row.member).AsUint();
    // What the guest's driver never told is all ones.
    if (value && *value != ~std::uint64_t{0}) figures.push_back({row.tag, row.name, *value / row.divisor});
  }
  figures.push_back({kLastUpdate, "last-update", NumberIn(report.balloon, "last-update")});
  return figures;
}

ImageSizes SizesOf(const std::vector<std::string>& paths) {
  ImageSizes sizes;
  for (const std::string& path : paths) {
    if (auto size = SizeOf(path)) sizes.emplace(path, *size);
  }
  return sizes;
}

void AppendImagePaths(const Domain& domain, bool with_backing, std::vector<std::string>* paths) {
  for (const auto& disk : domain.def().disks) {
    for (const model::StorageSource* source = &disk->source; source; source = source->backing.get()) {
      const bool local = source->type == model::StorageType::kFile || source->type == model::StorageType::kBlock;
      if (local && !source->path.empty()) paths->push_back(source->path);
      if (!with_backing) break;
    }
  }
}

std::vector<TypedParam> DomainStats::Collect(unsigned groups, bool with_backing) {
  if (groups & kStatsState) AddState();
  if (groups & kStatsCpu) AddCpu();
  if (groups & kStatsBalloon) AddBalloon();
  if (groups & kStatsVcpu) AddVcpus();
  if (groups & kStatsInterface) AddInterfaces();
  if (groups & kStatsBlock) AddBlocks(with_backing);
  if (groups & kStatsPerf) AddPerf();
  if (groups & kStatsIothread) AddIothreads();
  if (groups & kStatsDirtyRate) AddDirtyRate();
  if (groups & kStatsVm) AddVm();
  return std::move(params_);
}

void DomainStats::AddState() {
  Add("state.state", static_cast<int32_t>(domain_.state()));
  Add("state.reason", static_cast<int32_t>(domain_.reason()));
}

void DomainStats::AddCpu() {
  const bool active = domain_.active() && domain_.guest;
  // libvirt gives an inactive domain the daemon's own times, and clients see the members there.
  const ProcessUsage usage = UsageOf(active ? domain_.guest->pid : 0);
  std::uint64_t time = usage.total_ns();
  if (active) time = domain_.guest->cgroup.CpuTime().value_or(time);
  Add("cpu.time", time);
  Add("cpu.user", usage.user_ns);
  Add("cpu.system", usage.system_ns);
  if (!active) return;
  Add("cpu.cache.monitor.count", uint32_t{0});
  if (!report_.vcpu_stats) return;
  Add("cpu.haltpoll.success.time", SumOf(report_.vcpu_stats, "halt_poll_success_ns"));
  Add("cpu.haltpoll.fail.time", SumOf(report_.vcpu_stats, "halt_poll_fail_ns"));
}

void DomainStats::AddBalloon() {
  const auto& memory = domain_.def().memory;
  Add("balloon.current", std::uint64_t{memory.current.value_or(memory.total)});
  Add("balloon.maximum", std::uint64_t{memory.total});
  if (!domain_.active() || !domain_.guest) return;
  for (const BalloonFigure& figure : BalloonFigures(report_)) Add(fmt::format("balloon.{}", figure.name), figure.value);
  Add("balloon.rss", ResidentKib(domain_.guest->pid));
}

void DomainStats::AddVcpus() {
  const auto& vcpu = domain_.def().vcpu;
  Add("vcpu.current", uint32_t{vcpu.current.value_or(vcpu.max)});
  Add("vcpu.maximum", uint32_t{vcpu.max});
  if (!domain_.active() || !domain_.guest) return;
  for (const Guest::Vcpu& one : domain_.guest->vcpus) {
    const std::string prefix = fmt::format("vcpu.{}.", one.id);
    const SchedulerWaits waits = WaitsOf(domain_.guest->pid, one.tid);
    Add(prefix + "state", int32_t{kVcpuRunning});
    Add(prefix + "time", UsageOf(domain_.guest->pid, one.tid).total_ns());
    Add(prefix + "wait", waits.wait_ns);
    Add(prefix + "delay", waits.delay_ns);
    AddKernelStats(prefix, FindByName(report_.vcpu_stats, "qom-path", one.qom_path).Find("stats"), "vcpu");
  }
}

void DomainStats::AddVm() {
  if (report_.vm_stats.size() > 0) AddKernelStats("vm.", report_.vm_stats.at(0).Find("stats"), "vm");
}

void DomainStats::AddKernelStats(const std::string& prefix, const Json& stats, const char* target) {
  const Json schema = FindByName(report_.stats_schemas, "target", target).Find("stats");
  for (std::size_t i = 0; i < stats.size(); ++i) {
    Json one = stats.at(i);
    const std::string name = one.Find("name").AsString().value_or("");
    const std::string type = FindByName(schema, "name", name).Find("type").AsString().value_or("");
    const char* suffix = type == "cumulative" ? "sum" : type == "instant" ? "cur" : type == "peak" ? "max" : nullptr;
    if (!suffix) continue;  // histograms have no place among single values
    Json value = one.Find("value");
    std::string field = fmt::format("{}{}.{}", prefix, name, suffix);
    if (auto flag = value.AsBool(); value.is_bool()) {
      Add(std::move(field), *flag);
    } else if (auto number = value.AsUint()) {
      Add(std::move(field), *number);
    }
  }
}

void DomainStats::AddInterfaces() {
  if (!domain_.active()) return;
  const auto& interfaces = domain_.def().interfaces;
  Add("net.count", static_cast<uint32_t>(interfaces.size()));
  for (std::size_t i = 0; i < interfaces.size(); ++i) {
    const model::Interface& interface = *interfaces[i];
    if (interface.target.dev.empty()) continue;
    const std::string prefix = fmt::format("net.{}.", i);
    Add(prefix + "name", interface.target.dev);
    auto counters = CountersOf(interface.target.dev, !SharesHostView(interface));
    if (!counters) continue;
    auto add = [&](const char* name, std::int64_t value) { Add(prefix + name, static_cast<std::uint64_t>(value)); };
    add("rx.bytes", counters->rx_bytes);
    add("rx.pkts", counters->rx_packets);
    add("rx.errs", counters->rx_errs);
    add("rx.drop", counters->rx_drop);
    add("tx.bytes", counters->tx_bytes);
    add("tx.pkts", counters->tx_packets);
    add("tx.errs", counters->tx_errs);
    add("tx.drop", counters->tx_drop);
  }
}

void DomainStats::AddNumber(std::string name, const Json& object, const char* key) {
  if (auto value = object.Find(key).AsUint()) Add(std::move(name), *value);
}

void DomainStats::AddBlocks(bool with_backing) {
  const std::size_t count_at = params_.size();
  Add("block.count", uint32_t{0});
  uint32_t count = 0;
  for (const auto& disk : domain_.def().disks) {
    const Json device = BlockStatsOf(report_, disk->info.alias);
    unsigned depth = 0;
    for (const model::StorageSource* source = &disk->source; source; source = source->backing.get()) {
      if (depth > 0 && (!with_backing || source->IsTerminator())) break;
      const std::string prefix = fmt::format("block.{}.", count++);
      Add(prefix + "name", disk->dst);
      if (!source->path.empty()) Add(prefix + "path", source->path);
      if (source->id > 0) Add(prefix + "backingIndex", uint32_t{source->id});
      if (depth == 0 && device) {
        const Json stats = device.Find("stats");
        AddNumber(prefix + "rd.reqs", stats, "rd_operations");
        AddNumber(prefix + "rd.bytes", stats, "rd_bytes");
        AddNumber(prefix + "rd.times", stats, "rd_total_time_ns");
        AddNumber(prefix + "wr.reqs", stats, "wr_operations");
        AddNumber(prefix + "wr.bytes", stats, "wr_bytes");
        AddNumber(prefix + "wr.times", stats, "wr_total_time_ns");
        AddNumber(prefix + "fl.reqs", stats, "flush_operations");
        AddNumber(prefix + "fl.times", stats, "flush_total_time_ns");
        AddNumber(prefix + "allocation", device.Find("parent").Find("stats"), "wr_highest_offset");
      }
      const Json node = source->id > 0 ? FindByName(report_.block_nodes, "node-name", FormatNode(source->id)) : Json();
      const auto physical = sizes_.find(source->path);
      if (node) {
        AddNumber(prefix + "capacity", node.Find("image"), "virtual-size");
      } else if (physical != sizes_.end() && source->format == model::StorageFormat::kRaw) {
        Add(prefix + "capacity", physical->second);
      }
      if (physical != sizes_.end()) Add(prefix + "physical", physical->second);
      ++depth;
    }
  }
  params_[count_at].value = count;
}

void DomainStats::AddPerf() {
  for (std::size_t i = 0; i < model::kPerfEvents; ++i) {
    auto event = static_cast<model::PerfEvent>(i);
    if (auto value = PerfCounters::Of(domain_.uuid()).Read(event)) Add("perf." + std::string(ToString(event)), *value);
  }
}

void DomainStats::AddIothreads() {
  if (!report_.iothreads) return;
  Add("iothread.count", static_cast<uint32_t>(report_.iothreads.size()));
  for (std::size_t i = 0; i < report_.iothreads.size(); ++i) {
    Json thread = report_.iothreads.at(i);
    std::string id = thread.Find("id").AsString().value_or("");
    if (!id.starts_with("iothread")) continue;
    const std::string prefix = fmt::format("iothread.{}.", id.substr(8));
    AddNumber(prefix + "poll-max-ns", thread, "poll-max-ns");
    Add(prefix + "poll-grow", static_cast<uint32_t>(NumberIn(thread, "poll-grow")));
    Add(prefix + "poll-shrink", static_cast<uint32_t>(NumberIn(thread, "poll-shrink")));
  }
}

void DomainStats::AddDirtyRate() {
  if (!report_.dirty_rate) return;
  const std::string status = report_.dirty_rate.Find("status").AsString().value_or("");
  Add("dirtyrate.calc_status", int32_t{status == "measured" ? 2 : status == "measuring" ? 1 : 0});
  Add("dirtyrate.calc_start_time", report_.dirty_rate.Find("start-time").AsInt().value_or(0));
  Add("dirtyrate.calc_period", static_cast<int32_t>(NumberIn(report_.dirty_rate, "calc-time")));
  Add("dirtyrate.calc_mode", report_.dirty_rate.Find("mode").AsString().value_or(""));
  if (auto rate = report_.dirty_rate.Find("dirty-rate").AsInt()) Add("dirtyrate.megabytes_per_second", *rate);
  const Json vcpus = report_.dirty_rate.Find("vcpu-dirty-rate");
  for (std::size_t i = 0; i < vcpus.size(); ++i) {
    Json one = vcpus.at(i);
    Add(fmt::format("dirtyrate.vcpu.{}.megabytes_per_second", NumberIn(one, "id")), NumberIn(one, "dirty-rate"));
  }
}

}  // namespace bv::qemu
