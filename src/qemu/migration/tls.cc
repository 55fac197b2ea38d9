#include "qemu/migration/tls.h"

#include "qemu/command_line/tls.h"
#include "qemu/plug_steps.h"

namespace bv::qemu {

Task<> AddMigrationTls(Guests* guests, DomainPtr domain, MigrationPtr migration, MigrationSide side) {
  const bool server = side == MigrationSide::kDestination;
  auto& config = guests->config();
  auto options = OptionsFor(*domain->guest);
  DescribeDevice describe = [&config, server](const Context& context, CommandLine* line) {
    auto& tls = config.migrate_tls;
    AddTlsCredentials(kMigrationTls, config.CertDir(tls), server, config.Verify(tls, true), tls.secret_uuid, context, line);
  };
  auto steps = co_await StepsToAdd(domain, domain->def(), config, options, describe);
  auto removal = Removal(steps);
  co_await RunSteps(guests, domain, std::move(steps));
  migration->tls_removal = std::move(removal);
}

Task<> RemoveMigrationTls(Guests* guests, DomainPtr domain, MigrationPtr migration) {
  auto commands = std::exchange(migration->tls_removal, {});
  if (!commands.empty()) co_await guests->MonitorOf(domain).ExecuteAll(std::move(commands));
}

}  // namespace bv::qemu
