#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bitmap.h"
#include "model/value.h"

// <vcpu>, <vcpus>, <iothreads>, <iothreadids>, <cputune>.
namespace bv::model {

enum class CpuPlacement : std::uint8_t { kDefault, kStatic, kAuto };
template <>
struct Spelling<CpuPlacement> {
  static constexpr const char* kNames[] = {"", "static", "auto"};
};

struct Vcpu {
  YesNo enabled = YesNo::kAbsent;
  YesNo hotpluggable = YesNo::kAbsent;
  unsigned order = 0;  // of hotplug; 0: unset
};

struct IoThreadId {
  unsigned id = 0;
  std::optional<unsigned> pool_min, pool_max;
  bool automatic = false;  // made because <iothreads> asked for more than <iothreadids> lists
};

enum class Scheduler : std::uint8_t { kNone, kBatch, kIdle, kFifo, kRr };
template <>
struct Spelling<Scheduler> {
  static constexpr const char* kNames[] = {"", "batch", "idle", "fifo", "rr"};
};
struct SchedParam {
  Scheduler scheduler = Scheduler::kNone;
  unsigned priority = 0;
};
struct ThreadSched {
  Bitmap threads;  // vCPUs or iothreads
  SchedParam param;
};

struct ThreadPin {
  unsigned id = 0;  // vCPU or iothread
  Bitmap cpus;
};

enum class CacheType : std::uint8_t { kBoth, kCode, kData };
template <>
struct Spelling<CacheType> {
  static constexpr const char* kNames[] = {"both", "code", "data"};
};
struct CacheTune {
  struct Cache {
    unsigned id = 0, level = 0;
    CacheType type = CacheType::kBoth;
    std::uint64_t size = 0;  // bytes
  };
  struct Monitor {
    unsigned level = 0;
    Bitmap vcpus;
  };
  Bitmap vcpus;
  std::string id;  // live
  std::vector<Cache> caches;
  std::vector<Monitor> monitors;
};
struct MemoryTune {
  struct Node {
    unsigned id = 0, bandwidth = 0;
  };
  struct Monitor {
    Bitmap vcpus;
  };
  Bitmap vcpus;
  std::string id;
  std::vector<Node> nodes;
  std::vector<Monitor> monitors;
};

struct CpuTune {
  std::optional<std::uint64_t> shares;
  // Microseconds; quota -1 is unlimited. 0 periods are "not given".
  std::uint64_t period = 0, global_period = 0, emulator_period = 0, iothread_period = 0;
  std::int64_t quota = 0, global_quota = 0, emulator_quota = 0, iothread_quota = 0;
  std::vector<ThreadPin> vcpu_pins;      // by vCPU
  std::optional<Bitmap> emulator_pin;
  std::vector<ThreadPin> iothread_pins;  // by iothread
  std::vector<ThreadSched> vcpu_scheds, iothread_scheds;
  std::optional<SchedParam> emulator_sched;
  std::vector<CacheTune> cachetunes;
  std::vector<MemoryTune> memorytunes;
};

struct VcpuSettings {
  unsigned max = 1;
  std::optional<unsigned> current;  // nullopt: all
  CpuPlacement placement = CpuPlacement::kDefault;
  std::optional<Bitmap> cpuset;
  std::vector<Vcpu> vcpus;  // <vcpus>: by id; empty when it was not given
};

struct DefaultIoThread {
  std::optional<unsigned> pool_min, pool_max;
};

struct IoThreads {
  std::vector<IoThreadId> ids;
  std::optional<DefaultIoThread> default_iothread;
};

}  // namespace bv::model
