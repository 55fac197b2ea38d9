#include "qemu/plug_steps.h"

#include "base/error.h"
#include "base/wait.h"
#include "qemu/secret_values.h"

namespace bv::qemu {
namespace {

MonitorCommand UndoOf(const PlugStep& step) {
  MonitorCommand command;
  command.name = step.undo;
  command.arguments = step.undo_arguments;
  return command;
}

}  // namespace

std::vector<PlugStep> StepsFor(const model::DomainDef& def, Guest& guest, const QemuConfig& config, const BuildOptions& options,
                               const DescribeDevice& describe) {
  CommandLine line;
  line.plugging = true;
  line.first_fd_set = guest.next_fdset;
  const Context context{def, *guest.caps, config, options, HostQueries::Real()};
  describe(context, &line);
  for (auto& step : line.steps) {
    if (step.command == "add-fd") ++guest.next_fdset;
  }
  return std::move(line.steps);
}

Task<std::vector<PlugStep>> StepsToAdd(DomainPtr domain, const model::DomainDef& def, const QemuConfig& config, BuildOptions& options,
                                       DescribeDevice describe) {
  auto* guest = domain->guest.get();
  auto build = [&] {
    if (domain->guest.get() != guest) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "domain is not running");
    return StepsFor(def, *guest, config, options, describe);
  };
  auto steps = co_await BuildWithSecrets(options, build);
  co_return steps;
}

BuildOptions OptionsFor(const Guest& guest) {
  BuildOptions options;
  options.master_key = guest.master_key;
  return options;
}

BuildOptions OptionsForRemoval(const Guest& guest) {
  auto options = OptionsFor(guest);
  options.secret_value = [](const SecretLookup&) { return std::string(); };
  return options;
}

std::vector<MonitorCommand> Removal(const std::vector<PlugStep>& steps) {
  std::vector<MonitorCommand> commands;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    bool passes_fd = step->command == "getfd" || step->command == "add-fd";
    if (!step->undo.empty() && !passes_fd) commands.push_back(UndoOf(*step));
  }
  return commands;
}

Task<std::vector<std::string>> RunSteps(Guests* guests, DomainPtr domain, std::vector<PlugStep> steps) {
  auto* guest = domain->guest.get();
  std::vector<std::string> terminals;
  std::exception_ptr failure;
  std::size_t done = 0;
  try {
    for (; done < steps.size(); ++done) {
      MonitorCommand command;
      command.name = steps[done].command;
      command.arguments = steps[done].arguments;
      command.fd = steps[done].fd;
      auto answer = co_await guests->MonitorOf(domain).Execute(std::move(command));
      if (domain->guest.get() != guest) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "domain is not running");
      if (auto pty = answer["pty"].AsString()) terminals.push_back(*pty);
    }
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return terminals;
  std::vector<MonitorCommand> undo;
  while (done-- > 0) {
    if (!steps[done].undo.empty()) undo.push_back(UndoOf(steps[done]));
  }
  // What cannot be taken back is gone with its device already, or with QEMU.
  bool there = domain->guest.get() == guest && guest && guest->monitor && guest->monitor->open();
  if (there && !undo.empty()) co_await guest->monitor->ExecuteAll(std::move(undo));
  std::rethrow_exception(failure);
}

Task<> AllowNodes(const Guest& guest, std::vector<DeviceNode> nodes) {
  auto allow = [cgroup = guest.cgroup, nodes = std::move(nodes)] { AllowDevices(cgroup, nodes); };
  co_await Offload(std::move(allow));
}

}  // namespace bv::qemu
