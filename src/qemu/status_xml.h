#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "qemu/domain.h"
#include "qemu/taint.h"

namespace bv::qemu {

enum class MigrationPhase;

// The status file of a running guest, /run/libvirt/qemu/NAME.xml: what the next daemon must know to
// take the guest over. The shape is libvirt's <domstatus>.
std::string FormatStatus(const Domain& domain);

// What a status file said.
struct GuestStatus {
  State state = State::kNone;
  int reason = 0;
  int pid = -1;  // not positive: the daemon ended before it knew
  std::string monitor_path, lib_dir, channel_dir;
  bool fake_reboot = false;
  bool remember_owner = false;
  bool output_through_logd = false;
  std::set<Taint> taints;
  std::vector<std::pair<unsigned, int>> vcpus;  // id, thread
  std::vector<std::string> devices;
  unsigned next_node = 0;
  unsigned next_fdset = 0;
  int agent_timeout = -2;
  bool migrating_in = false, migrating_out = false;
  MigrationPhase phase{};
  std::unique_ptr<model::CpuDef> original_cpu;
  std::unique_ptr<model::DomainDef> def;
};

// Throws what the parser does for a file that is not one of ours.
GuestStatus ParseStatus(std::string_view text);

}  // namespace bv::qemu
