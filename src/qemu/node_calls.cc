#include "qemu/node_calls.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/verbatim_error.h"
#include "base/wait.h"
#include "host/cpu_time.h"
#include "host/memory.h"
#include "host/topology.h"

namespace bv::qemu {

namespace {

// Flags of the public API.
constexpr unsigned kAllocPagesSet = 1;

enum SuspendTarget : unsigned { kSuspendToMemory, kSuspendToDisk, kSuspendHybrid };

// Fills what GET_CPU_STATS and GET_MEMORY_STATS answer: the number alone when the client asks for none.
template <typename Ret, typename Stats>
Ret AnswerStats(const Stats& stats, int wanted, const char* function) {
  Ret ret;
  const int count = static_cast<int>(stats.size());
  if (wanted == 0) {
    ret.nparams = count;
    return ret;
  }
  if (wanted != count) {
    throw VerbatimError(ErrorDomain::kNone, ErrorCode::kInvalidArg,
                        fmt::format("nparams in {} must be equal to {}", function, count));
  }
  for (const auto& [name, value] : stats) {
    ret.params.emplace_back();
    ret.params.back().field = name;
    ret.params.back().value = value;
  }
  return ret;
}

std::uint64_t NumberOf(const TypedParam& param, const host::MergingParameter& known) {
  if (known.is_64_bit) {
    if (auto* value = std::get_if<uint64_t>(&param.value)) return *value;
  } else if (auto* value = std::get_if<uint32_t>(&param.value)) {
    return *value;
  }
  static constexpr const char* kTypes[] = {"int", "uint", "llong", "ullong", "double", "boolean", "string"};
  throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg,
              fmt::format("invalid type '{}' requested for parameter '{}', expected '{}'", kTypes[param.value.index()],
                          param.field, known.is_64_bit ? "ullong" : "uint"));
}

}  // namespace

void NodeCalls::Register(Service& service) {
  using namespace remote::proc;
  service.On<NodeGetInfo>(this, &NodeCalls::GetInfo);
  service.On<NodeGetCpuStats>(this, &NodeCalls::GetCpuStats);
  service.On<NodeGetMemoryStats>(this, &NodeCalls::GetMemoryStats);
  service.On<NodeGetCpuMap>(this, &NodeCalls::GetCpuMap);
  service.On<NodeGetFreeMemory>(this, &NodeCalls::GetFreeMemory);
  service.On<NodeGetCellsFreeMemory>(this, &NodeCalls::GetCellsFreeMemory);
  service.On<NodeGetFreePages>(this, &NodeCalls::GetFreePages);
  service.On<NodeAllocPages>(this, &NodeCalls::AllocPages);
  service.On<NodeGetMemoryParameters>(this, &NodeCalls::GetMemoryParameters);
  service.On<NodeSetMemoryParameters>(this, &NodeCalls::SetMemoryParameters);
  service.On<NodeSuspendForDuration>(this, &NodeCalls::SuspendForDuration);
}

Task<remote::NodeGetInfoRet> NodeCalls::GetInfo(Call&) {
  // Hundreds of small files on a large host.
  auto read = Offload([files = files_] { return host::ReadNodeInfo(files); });
  host::NodeInfo info = co_await std::move(read);
  remote::NodeGetInfoRet ret;
  ret.model.Assign(info.model);
  ret.memory = info.memory_kib;
  ret.cpus = static_cast<int32_t>(info.cpus);
  ret.mhz = static_cast<int32_t>(info.mhz);
  ret.nodes = static_cast<int32_t>(info.nodes);
  ret.sockets = static_cast<int32_t>(info.sockets);
  ret.cores = static_cast<int32_t>(info.cores);
  ret.threads = static_cast<int32_t>(info.threads);
  co_return ret;
}

Task<remote::NodeGetCpuStatsRet> NodeCalls::GetCpuStats(Call&, remote::NodeGetCpuStatsArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kNone, "virHostCPUGetStats");
  co_return AnswerStats<remote::NodeGetCpuStatsRet>(host::CpuTimes(files_, args.cpuNum), args.nparams,
                                                    "virHostCPUGetStatsLinux");
}

Task<remote::NodeGetMemoryStatsRet> NodeCalls::GetMemoryStats(Call&, remote::NodeGetMemoryStatsArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kNone, "virHostMemGetStats");
  co_return AnswerStats<remote::NodeGetMemoryStatsRet>(host::MemoryStats(files_, args.cellNum), args.nparams,
                                                       "virHostMemGetStats");
}

Task<remote::NodeGetCpuMapRet> NodeCalls::GetCpuMap(Call&, remote::NodeGetCpuMapArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kNone, "virHostCPUGetMap");
  const auto present = host::PresentCpus(files_);
  const auto online = host::OnlineCpus(files_);
  remote::NodeGetCpuMapRet ret;
  ret.ret = present.empty() ? 0 : static_cast<int32_t>(present.back() + 1);
  if (args.need_online) ret.online = static_cast<uint32_t>(online.size());
  if (args.need_map) {
    ret.cpumap.resize((static_cast<std::size_t>(ret.ret) + 7) / 8);
    for (unsigned cpu : online) {
      if (cpu / 8 < ret.cpumap.size()) ret.cpumap[cpu / 8] |= static_cast<uint8_t>(1u << (cpu % 8));
    }
  }
  co_return ret;
}

Task<remote::NodeGetFreeMemoryRet> NodeCalls::GetFreeMemory(Call&) {
  remote::NodeGetFreeMemoryRet ret;
  ret.freeMem = host::FreeMemory(files_);
  co_return ret;
}

Task<remote::NodeGetCellsFreeMemoryRet> NodeCalls::GetCellsFreeMemory(Call&, remote::NodeGetCellsFreeMemoryArgs args) {
  remote::NodeGetCellsFreeMemoryRet ret;
  for (std::uint64_t free : host::CellsFreeMemory(files_, args.startCell, args.maxcells)) ret.cells.push_back(free);
  co_return ret;
}

Task<remote::NodeGetFreePagesRet> NodeCalls::GetFreePages(Call&, remote::NodeGetFreePagesArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kQemu, "qemuNodeGetFreePages");
  remote::NodeGetFreePagesRet ret;
  for (std::uint64_t pages : host::FreePages(files_, args.pages, args.startCell, args.cellCount)) ret.counts.push_back(pages);
  co_return ret;
}

Task<remote::NodeAllocPagesRet> NodeCalls::AllocPages(Call&, remote::NodeAllocPagesArgs args) {
  RefuseOtherFlags(args.flags, kAllocPagesSet, ErrorDomain::kQemu, "qemuNodeAllocPages");
  std::vector<std::pair<unsigned, std::uint64_t>> pages;
  for (std::size_t i = 0; i < std::min(args.pageSizes.size(), args.pageCounts.size()); ++i) {
    pages.emplace_back(args.pageSizes[i], args.pageCounts[i]);
  }
  // The kernel may have to compact memory first.
  auto allocate = Offload([files = files_, pages = std::move(pages), args = std::move(args)] {
    return host::AllocatePages(files, pages, args.startCell, args.cellCount, (args.flags & kAllocPagesSet) == 0);
  });
  remote::NodeAllocPagesRet ret;
  ret.ret = static_cast<int32_t>(co_await std::move(allocate));
  co_return ret;
}

Task<remote::NodeGetMemoryParametersRet> NodeCalls::GetMemoryParameters(Call&, remote::NodeGetMemoryParametersArgs args) {
  // The typed-string flag is the client library's, for every call with typed parameters.
  constexpr unsigned kStringOkay = 4;
  RefuseOtherFlags(args.flags, kStringOkay, ErrorDomain::kNone, "virHostMemGetParameters");
  remote::NodeGetMemoryParametersRet ret;
  for (const host::MergingParameter& parameter : host::MergingParameters()) {
    auto value = host::ReadMerging(files_, parameter);
    if (!value) continue;
    ++ret.nparams;
    if (static_cast<int>(ret.params.size()) == args.nparams) continue;
    TypedParam& param = ret.params.emplace_back();
    param.field = parameter.name;
    if (parameter.is_64_bit) {
      param.value = *value;
    } else {
      param.value = static_cast<uint32_t>(*value);
    }
  }
  if (args.nparams > 0) ret.nparams = static_cast<int32_t>(ret.params.size());
  co_return ret;
}

Task<> NodeCalls::SetMemoryParameters(Call&, remote::NodeSetMemoryParametersArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kNone, "virHostMemSetParameters");
  std::vector<std::pair<const host::MergingParameter*, std::uint64_t>> changes;
  for (const TypedParam& param : args.params) {
    auto known = std::ranges::find(host::MergingParameters(), param.field, &host::MergingParameter::name);
    if (known == host::MergingParameters().end() || !known->may_be_set) {
      throw Error(ErrorDomain::kNone, ErrorCode::kArgumentUnsupported,
                  fmt::format("parameter '{}' not supported", param.field));
    }
    changes.emplace_back(&*known, NumberOf(param, *known));
  }
  for (auto [parameter, value] : changes) host::WriteMerging(files_, *parameter, value);
  co_return;
}

// Sleeping needs somebody who can put the host to sleep and wake it; none is asked yet, so the host has
// no such ability, and capabilities say the same.
Task<> NodeCalls::SuspendForDuration(Call&, remote::NodeSuspendForDurationArgs args) {
  RefuseOtherFlags(args.flags, 0, ErrorDomain::kNone, "virNodeSuspend");
  const char* names[] = {"Suspend-to-RAM", "Suspend-to-Disk", "Hybrid-Suspend"};
  if (args.target > kSuspendHybrid) throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, "Invalid suspend target");
  throw Error(ErrorDomain::kNone, ErrorCode::kArgumentUnsupported, names[args.target]);
  co_return;
}

}  // namespace bv::qemu
