#include "qemu/migration_wait.h"

#include <limits>

#include "base/error.h"
#include "base/wait.h"
#include "qemu/agent.h"
#include "qemu/guest.h"

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;

MonitorCommand MakeCommand(const char* name, Json arguments) {
  MonitorCommand command;
  command.name = name;
  command.arguments = std::move(arguments);
  return command;
}

// QEMU tells of changes of a migration only when asked to.
MonitorCommand EnableEvents() {
  auto capability = Json::Object();
  capability.Set("capability", "events");
  capability.Set("state", true);
  auto list = Json::Array();
  list.Append(capability);
  auto arguments = Json::Object();
  arguments.Set("capabilities", list);
  return MakeCommand("migrate-set-capabilities", arguments);
}

MonitorCommand PassFd(const char* name, int fd) {
  auto arguments = Json::Object();
  arguments.Set("fdname", name);
  auto command = MakeCommand("getfd", arguments);
  command.fd = fd;
  return command;
}

Task<> Wait(std::shared_ptr<Domain> domain, Monitor& monitor) {
  auto* guest = domain->guest.get();
  for (;;) {
    auto& status = guest->migration_status;
    if (status == "completed") co_return;
    if (status == "failed" || status == "cancelled") {
      bool cancelled = status == "cancelled";
      auto answer = co_await monitor.Execute("query-migrate");
      if (cancelled) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationAborted, "canceled by client");
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed,
                  "job: " + answer["error-desc"].AsString().value_or("unexpectedly failed"));
    }
    co_await guest->changed.Wait();
    if (domain->guest.get() != guest || !guest->monitor || !guest->monitor->open())
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, "domain is not running");
  }
}

}  // namespace

Task<> MigrateToFd(std::shared_ptr<Domain> domain, Monitor& monitor, int fd) {
  domain->guest->migration_status.clear();
  // A file can take all there is: QEMU's default limit is for networks.
  auto limit = Json::Object();
  limit.Set("max-bandwidth", std::int64_t{std::numeric_limits<std::int64_t>::max()});
  auto migrate = Json::Object();
  migrate.Set("uri", "fd:migrate");
  migrate.Set("detach", true);
  std::vector<MonitorCommand> commands;
  commands.push_back(EnableEvents());
  commands.push_back(MakeCommand("migrate-set-parameters", limit));
  commands.push_back(PassFd("migrate", fd));
  commands.push_back(MakeCommand("migrate", migrate));
  auto replies = co_await monitor.ExecuteAll(std::move(commands));
  for (auto& reply : replies) reply.Value();
  co_await Wait(domain, monitor);
  // It is complete a little before the guest may run again.
  for (auto* guest = domain->guest.get(); guest && domain->guest.get() == guest && monitor.open();) {
    auto status = co_await monitor.Execute("query-status");
    if (status["status"].AsString() != "finish-migrate") co_return;
    co_await Sleep(5ms);
  }
}

Task<> MigrateFromFd(std::shared_ptr<Domain> domain, Monitor& monitor, int fd) {
  domain->guest->migration_status.clear();
  auto incoming = Json::Object();
  incoming.Set("uri", "fd:restore");
  std::vector<MonitorCommand> commands;
  commands.push_back(EnableEvents());
  commands.push_back(PassFd("restore", fd));
  commands.push_back(MakeCommand("migrate-incoming", incoming));
  auto replies = co_await monitor.ExecuteAll(std::move(commands));
  for (auto& reply : replies) reply.Value();
  co_await Wait(domain, monitor);
}

}  // namespace bv::qemu
