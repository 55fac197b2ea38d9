// Disks of a domain: their size and contents, how much they are used, and how fast they may be.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "host/image_probe.h"
#include "qemu/agent.h"
#include "qemu/block_tune.h"
#include "qemu/driver.h"

namespace bv::qemu {
namespace {

[[noreturn]] void Invalid(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, what); }

// By target ("vda") or by the path of its image.
model::Disk* FindDisk(const model::DomainDef& def, const std::string& name) {
  for (auto& disk : def.disks) {
    if (disk->dst == name || (!name.empty() && disk->source.path == name)) return disk.get();
  }
  return nullptr;
}

model::Disk& DiskInConfig(const model::DomainDef& def, const std::string& name) {
  auto* disk = FindDisk(def, name);
  if (!disk) Invalid(fmt::format("disk '{}' was not found in the domain config", name));
  return *disk;
}

std::string FormatNode(const model::Disk& disk) { return fmt::format("libvirt-{}-format", disk.source.id); }

// query-blockstats' entry of a disk: by front end, since nodes come and go.
Json StatsOf(const Json& all, const model::Disk& disk) {
  auto name = DiskQomName(disk);
  for (auto& entry : all.elements()) {
    auto qdev = entry["qdev"].AsString().value_or("");
    if (!qdev.empty() && (qdev == name || qdev == disk.info.alias || qdev == "/machine/peripheral/" + disk.info.alias)) return entry["stats"];
  }
  return {};
}

struct StatRow {
  const char* param;
  const char* member;
};
// In the order in which libvirt sends them.
constexpr StatRow kStats[] = {
    {"wr_bytes", "wr_bytes"},          {"wr_operations", "wr_operations"},  {"rd_bytes", "rd_bytes"},
    {"rd_operations", "rd_operations"}, {"flush_operations", "flush_operations"}, {"wr_total_times", "wr_total_time_ns"},
    {"rd_total_times", "rd_total_time_ns"}, {"flush_total_times", "flush_total_time_ns"},
};

struct TuneRow {
  const char* name;
  std::uint64_t model::IoTune::*field;
};
constexpr TuneRow kLimits[] = {
    {"total_bytes_sec", &model::IoTune::total_bytes},
    {"read_bytes_sec", &model::IoTune::read_bytes},
    {"write_bytes_sec", &model::IoTune::write_bytes},
    {"total_iops_sec", &model::IoTune::total_iops},
    {"read_iops_sec", &model::IoTune::read_iops},
    {"write_iops_sec", &model::IoTune::write_iops},
    {"total_bytes_sec_max", &model::IoTune::total_bytes_max},
    {"read_bytes_sec_max", &model::IoTune::read_bytes_max},
    {"write_bytes_sec_max", &model::IoTune::write_bytes_max},
    {"total_iops_sec_max", &model::IoTune::total_iops_max},
    {"read_iops_sec_max", &model::IoTune::read_iops_max},
    {"write_iops_sec_max", &model::IoTune::write_iops_max},
    {"size_iops_sec", &model::IoTune::size_iops},
};
constexpr TuneRow kLengths[] = {
    {"total_bytes_sec_max_length", &model::IoTune::total_bytes_max_length},
    {"read_bytes_sec_max_length", &model::IoTune::read_bytes_max_length},
    {"write_bytes_sec_max_length", &model::IoTune::write_bytes_max_length},
    {"total_iops_sec_max_length", &model::IoTune::total_iops_max_length},
    {"read_iops_sec_max_length", &model::IoTune::read_iops_max_length},
    {"write_iops_sec_max_length", &model::IoTune::write_iops_max_length},
};

std::uint64_t model::IoTune::*TuneField(const std::string& name) {
  for (auto& row : kLimits) {
    if (name == row.name) return row.field;
  }
  for (auto& row : kLengths) {
    if (name == row.name) return row.field;
  }
  return nullptr;
}

// A limit on everything shuts out limits on parts of it, and the reverse.
void CheckTune(const model::IoTune& tune) {
  auto refuse = [](const char* what) { Invalid(fmt::format("total and read/write of {} cannot be set at the same time", what)); };
  if (tune.total_bytes && (tune.read_bytes || tune.write_bytes)) refuse("bytes_sec");
  if (tune.total_iops && (tune.read_iops || tune.write_iops)) refuse("iops_sec");
  if (tune.total_bytes_max && (tune.read_bytes_max || tune.write_bytes_max)) refuse("bytes_sec_max");
  if (tune.total_iops_max && (tune.read_iops_max || tune.write_iops_max)) refuse("iops_sec_max");
}

// QEMU wants the limit that a burst may exceed.
void CheckBursts(const model::IoTune& tune) {
  using model::IoTune;
  struct Pair {
    const char* name;
    std::uint64_t IoTune::*limit;
    std::uint64_t IoTune::*burst;
  };
  static constexpr Pair kPairs[] = {
      {"total_bytes_sec", &IoTune::total_bytes, &IoTune::total_bytes_max},
      {"read_bytes_sec", &IoTune::read_bytes, &IoTune::read_bytes_max},
      {"write_bytes_sec", &IoTune::write_bytes, &IoTune::write_bytes_max},
      {"total_iops_sec", &IoTune::total_iops, &IoTune::total_iops_max},
      {"read_iops_sec", &IoTune::read_iops, &IoTune::read_iops_max},
      {"write_iops_sec", &IoTune::write_iops, &IoTune::write_iops_max},
  };
  for (auto& pair : kPairs) {
    if (tune.*pair.burst && !(tune.*pair.limit))
      throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported,
                  fmt::format("cannot reset '{}' when '{}_max' is set", pair.name, pair.name));
  }
}

// The new settings of a group of limits replace the old ones of that group as a whole.
void MergeTune(model::IoTune& tune, const std::vector<TypedParam>& params) {
  struct Group {
    const char* suffix;
    std::uint64_t model::IoTune::*fields[3];
  };
  static constexpr Group kGroups[] = {
      {"_bytes_sec", {&model::IoTune::total_bytes, &model::IoTune::read_bytes, &model::IoTune::write_bytes}},
      {"_iops_sec", {&model::IoTune::total_iops, &model::IoTune::read_iops, &model::IoTune::write_iops}},
      {"_bytes_sec_max", {&model::IoTune::total_bytes_max, &model::IoTune::read_bytes_max, &model::IoTune::write_bytes_max}},
      {"_iops_sec_max", {&model::IoTune::total_iops_max, &model::IoTune::read_iops_max, &model::IoTune::write_iops_max}},
  };
  for (auto& group : kGroups) {
    bool named = std::any_of(params.begin(), params.end(), [&](auto& param) {
      return param.field != "size_iops_sec" && param.field.ends_with(group.suffix);
    });
    if (!named) continue;
    for (auto field : group.fields) tune.*field = 0;
  }
  for (auto& param : params) {
    if (param.field == "group_name") {
      if (auto* name = std::get_if<std::string>(&param.value)) tune.group = *name;
      continue;
    }
    auto field = TuneField(param.field);
    auto* value = std::get_if<std::uint64_t>(&param.value);
    if (!field || !value)
      throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported, fmt::format("parameter '{}' not supported", param.field));
    tune.*field = *value;
  }
}

}  // namespace

// --- statistics ----------------------------------------------------------------------------------

Task<Json> QemuDriver::DiskStats(DomainPtr domain, std::string path) {
  RequireActive(*domain);
  auto* disk = FindDisk(domain->def(), path);
  if (!path.empty() && !disk) Invalid(fmt::format("invalid path: {}", path));
  auto all = co_await guests_->MonitorOf(domain).Execute("query-blockstats");
  RequireActive(*domain);
  if (disk) {
    disk = FindDisk(domain->def(), path);
    auto stats = disk ? StatsOf(all, *disk) : Json();
    if (!stats)
      throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, fmt::format("cannot find statistics for device '{}'", path));
    co_return stats;
  }
  // Without a path: the sum over all disks.
  auto sum = Json::Object();
  for (auto& row : kStats) {
    std::int64_t total = 0;
    for (auto& each : domain->def().disks) total += StatsOf(all, *each)[row.member].AsInt().value_or(0);
    sum.Set(row.member, total);
  }
  co_return sum;
}

Task<remote::DomainBlockStatsRet> QemuDriver::DomainBlockStats(Call&, remote::DomainBlockStatsArgs args) {
  auto domain = co_await Get(args.dom);
  auto stats = co_await DiskStats(domain, args.path);
  remote::DomainBlockStatsRet ret;
  ret.rd_req = stats["rd_operations"].AsInt().value_or(0);
  ret.rd_bytes = stats["rd_bytes"].AsInt().value_or(0);
  ret.wr_req = stats["wr_operations"].AsInt().value_or(0);
  ret.wr_bytes = stats["wr_bytes"].AsInt().value_or(0);
  ret.errs = -1;  // QEMU does not count them
  co_return ret;
}

Task<remote::DomainBlockStatsFlagsRet> QemuDriver::DomainBlockStatsFlags(Call&, remote::DomainBlockStatsFlagsArgs args) {
  constexpr unsigned kStringsOkay = 4;
  CheckFlags(args.flags, kStringsOkay, "qemuDomainBlockStatsFlags");
  auto domain = co_await Get(args.dom);
  auto stats = co_await DiskStats(domain, args.path);
  remote::DomainBlockStatsFlagsRet ret;
  for (auto& row : kStats) ret.params.push_back({row.param, stats[row.member].AsInt().value_or(0)});
  if (args.nparams == 0) {
    ret.nparams = static_cast<int>(ret.params.size());
    ret.params.clear();
  } else if (static_cast<int>(ret.params.size()) > args.nparams) {
    ret.params.resize(static_cast<std::size_t>(args.nparams));
  }
  co_return ret;
}

Task<remote::DomainGetBlockInfoRet> QemuDriver::DomainGetBlockInfo(Call&, remote::DomainGetBlockInfoArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainGetBlockInfo");
  auto domain = co_await Get(args.dom);
  auto* disk = FindDisk(domain->def(), args.path);
  if (!disk) Invalid(fmt::format("invalid path {} not assigned to domain", args.path));
  if (disk->source.IsEmpty()) Invalid(fmt::format("disk '{}' does not currently have a source assigned", args.path));
  auto path = disk->source.path;
  auto format = disk->source.format;
  bool local = disk->source.type == model::StorageType::kFile || disk->source.type == model::StorageType::kBlock;
  remote::DomainGetBlockInfoRet ret;
  if (local) {
    auto look = [path, format] {
      remote::DomainGetBlockInfoRet info;
      struct stat file{};
      if (stat(path.c_str(), &file) != 0) throw SystemError(ErrorDomain::kStorage, fmt::format("cannot stat file '{}'", path));
      info.physical = static_cast<std::uint64_t>(file.st_size);
      info.allocation = static_cast<std::uint64_t>(file.st_blocks) * 512;
      info.capacity = info.physical;
      if (auto header = ProbeImage(path, format)) info.capacity = header->capacity;
      if (S_ISBLK(file.st_mode)) info.physical = info.capacity;
      return info;
    };
    ret = co_await Offload(std::move(look));
  }
  if (domain->active()) {
    // A running QEMU knows how far the guest has written, and what it has resized.
    auto all = co_await guests_->MonitorOf(domain).Execute("query-named-block-nodes");
    RequireActive(*domain);
    auto* live = FindDisk(domain->def(), args.path);
    for (auto& node : all.elements()) {
      if (live && node["node-name"].AsString() == FormatNode(*live))
        ret.capacity = node["image"]["virtual-size"].AsUint().value_or(ret.capacity);
    }
  }
  co_return ret;
}

Task<remote::DomainGetDiskErrorsRet> QemuDriver::DomainGetDiskErrors(Call&, remote::DomainGetDiskErrorsArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainGetDiskErrors");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  auto all = co_await guests_->MonitorOf(domain).Execute("query-block");
  RequireActive(*domain);
  remote::DomainGetDiskErrorsRet ret;
  for (auto& entry : all.elements()) {
    auto status = entry["io-status"].AsString().value_or("ok");
    auto qdev = entry["qdev"].AsString().value_or("");
    if (status == "ok") continue;
    for (auto& disk : domain->def().disks) {
      if (qdev != DiskQomName(*disk) && qdev != disk->info.alias) continue;
      remote::DomainDiskError error;
      error.disk = disk->dst;
      error.error = status == "nospace" ? 2 : 1;  // virDomainDiskErrorCode
      ++ret.nerrors;
      if (ret.errors.size() < args.maxerrors) ret.errors.push_back(std::move(error));
    }
  }
  co_return ret;
}

Task<> QemuDriver::DomainSetBlockThreshold(Call&, remote::DomainSetBlockThresholdArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainSetBlockThreshold");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetBlockThreshold");
  RequireActive(*domain);
  auto name = args.dev.substr(0, args.dev.find('['));
  auto* disk = FindDisk(domain->def(), name);
  if (!disk) Invalid(fmt::format("failed to find disk '{}'", args.dev));
  auto arguments = Json::Object();
  arguments.Set("node-name", fmt::format("libvirt-{}-storage", disk->source.id));
  arguments.Set("write-threshold", args.threshold);
  co_await guests_->MonitorOf(domain).Execute("block-set-write-threshold", arguments);
}

// --- contents and size ---------------------------------------------------------------------------

Task<remote::DomainBlockPeekRet> QemuDriver::DomainBlockPeek(Call&, remote::DomainBlockPeekArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainBlockPeek");
  auto domain = co_await Get(args.dom);
  auto* disk = FindDisk(domain->def(), args.path);
  if (!disk) Invalid(fmt::format("disk '{}' not found in domain", args.path));
  if (disk->source.format != model::StorageFormat::kRaw)
    throw Error(ErrorDomain::kQemu, ErrorCode::kArgumentUnsupported, 
                fmt::format("peeking is only supported for disk with 'raw' format not '{}'", model::ToString(disk->source.format)));
  auto path = disk->source.path;
  auto name = args.path;
  auto offset = args.offset;
  auto size = args.size;
  auto peek = [path, name, offset, size] {
    std::vector<std::uint8_t> data(size);
    Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw SystemError(ErrorDomain::kStorage, fmt::format("Failed to open file '{}'", path));
    auto got = pread(fd.get(), data.data(), data.size(), static_cast<off_t>(offset));
    if (got < 0) throw SystemError(ErrorDomain::kStorage, fmt::format("cannot read from '{}'", path));
    if (static_cast<std::size_t>(got) < size)
      throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg,
                  fmt::format("'{}' starting from {} has only {} bytes available", name, offset, got));
    return data;
  };
  auto data = co_await Offload(std::move(peek));
  remote::DomainBlockPeekRet ret;
  ret.buffer.assign(data.begin(), data.end());
  co_return ret;
}

Task<> QemuDriver::DomainBlockResize(Call&, remote::DomainBlockResizeArgs args) {
  constexpr unsigned kBytes = 1;
  CheckFlags(args.flags, kBytes, "qemuDomainBlockResize");
  auto size = args.size;
  if (!(args.flags & kBytes)) {
    if (size > UINT64_MAX / 1024)
      throw Error(ErrorDomain::kQemu, ErrorCode::kOverflow, "size must be less than 18014398509481983");
    size *= 1024;
  }
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainBlockResize");
  RequireActive(*domain);
  auto& disk = DiskInConfig(domain->def(), args.disk);
  if (disk.source.format == model::StorageFormat::kQcow2) size = (size + 511) / 512 * 512;
  auto arguments = Json::Object();
  arguments.Set("node-name", FormatNode(disk));
  arguments.Set("size", size);
  co_await guests_->MonitorOf(domain).Execute("block_resize", arguments);
}

// --- throttling ----------------------------------------------------------------------------------

Task<remote::DomainGetBlockIoTuneRet> QemuDriver::DomainGetBlockIoTune(Call&, remote::DomainGetBlockIoTuneArgs args) {
  constexpr unsigned kStringsOkay = 4;
  CheckFlags(args.flags, 3 | kStringsOkay, "qemuDomainGetBlockIoTune");
  auto domain = co_await Get(args.dom);
  auto& def = DefFor(*domain, args.flags & 3);
  remote::DomainGetBlockIoTuneRet ret;
  if (!args.disk && args.nparams != 0) Invalid("disk must be given");
  model::IoTune tune;
  if (args.disk) {
    auto& disk = DiskInConfig(def, *args.disk);
    tune = disk.iotune;
    // QEMU names a disk's own group after the disk.
    if (tune.group.empty() && &def == &domain->def() && domain->active() && HasThrottle(tune)) tune.group = DiskQomName(disk);
  }
  for (auto& row : kLimits) ret.params.push_back({row.name, tune.*row.field});
  ret.params.push_back({"group_name", tune.group});
  for (auto& row : kLengths) ret.params.push_back({row.name, tune.*row.field});
  if (args.nparams == 0) {
    ret.nparams = static_cast<int>(ret.params.size());
    ret.params.clear();
  } else if (static_cast<int>(ret.params.size()) > args.nparams) {
    ret.params.resize(static_cast<std::size_t>(args.nparams));
  }
  co_return ret;
}

Task<> QemuDriver::DomainSetBlockIoTune(Call&, remote::DomainSetBlockIoTuneArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainSetBlockIoTune");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetBlockIoTune");
  auto impact = ResolveImpact(*domain, args.flags);
  auto defs = DefsFor(*domain, impact);
  std::vector<TypedParam> params(args.params.begin(), args.params.end());
  model::IoTune live, config;
  if (defs.live) {
    auto& disk = DiskInConfig(*defs.live, args.disk);
    live = disk.iotune;
    MergeTune(live, params);
    CheckTune(live);
    CheckBursts(live);
  }
  if (defs.config) {
    config = DiskInConfig(*defs.config, args.disk).iotune;
    MergeTune(config, params);
    CheckTune(config);
  }
  if (defs.live) {
    auto command = ThrottleCommand(DiskInConfig(*defs.live, args.disk), live);
    co_await guests_->MonitorOf(domain).Execute(std::move(command));
    RequireActive(*domain);
    DiskInConfig(domain->MutableDef(), args.disk).iotune = live;
    std::vector<TypedParam> changed;
    changed.push_back({"blkdeviotune.disk", args.disk});
    for (auto& param : params) changed.push_back({"blkdeviotune." + param.field, param.value});
    events_.SendTunable(domain->Ref(), std::move(changed));
  }
  if (defs.config) DiskInConfig(*defs.config, args.disk).iotune = config;
  co_await SaveChanged(domain, impact);
}

}  // namespace bv::qemu
