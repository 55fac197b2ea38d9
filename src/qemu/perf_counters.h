#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "base/fd.h"
#include "base/task.h"
#include "base/uuid.h"
#include "model/domain/domain.h"

namespace bv::qemu {

// What the kernel counts of a guest's process, <perf>. They end with the process image, and the next one counts anew.
class PerfCounters {
 public:
  // Those of a guest that runs.
  static PerfCounters& Of(const Uuid& guest);
  static void Drop(const Uuid& guest);

  // Counts it from now on, of the process and what it starts. Throws (domain kPerf) kArgumentUnsupported for what needs the
  // processor's resource control, and kSystemError when the kernel will not.
  static Task<> Enable(Uuid guest, model::PerfEvent event, pid_t process);
  void Disable(model::PerfEvent event) { counters_.erase(event); }

  bool Counts(model::PerfEvent event) const { return counters_.contains(event); }
  std::optional<std::uint64_t> Read(model::PerfEvent event) const;

 private:
  std::map<model::PerfEvent, Fd> counters_;
};

// All that a definition asks for.
Task<> EnablePerfEvents(Uuid guest, model::Perf wanted, pid_t process);

}  // namespace bv::qemu
