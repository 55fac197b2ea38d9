// `libvirt-guests COMMAND`: guests at the host's start and end.

#include "libvirt_guests/libvirt_guests.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "base/log.h"
#include "daemon/paths.h"
#include "helpers.h"

namespace bv {

namespace {

constexpr GuestsCommand kCommands[] = {
    {"start", "Starts the guests that ran at the last stop, if ON_BOOT says so."},
    {"stop", "Suspends the guests that run or shuts them down, as ON_SHUTDOWN says, and remembers which."},
    {"restart", "A stop and a start."},
    {"condrestart", "The same, if start was called before."},
    {"try-restart", "The same as condrestart."},
    {"reload", "Nothing: settings are read each time."},
    {"force-reload", "The same as reload."},
    {"status", "Tells whether start was called, and whether guests wait for the next one."},
    {"gueststatus", "Lists the guests that run."},
    {"shutdown", "A stop that shuts guests down whatever ON_SHUTDOWN says."},
};

constexpr int kStatusUsage = 2;

int Usage(FILE* out, int status) {
  fmt::print(out, "usage: libvirt-guests COMMAND\n\n");
  for (const GuestsCommand& command : kCommands) fmt::print(out, "  {:<13} {}\n", command.name, command.about);
  return status;
}

Task<int> Restart(LibvirtGuests& guests) {
  int status = co_await guests.Stop();
  if (status == 0) status = co_await guests.Start();
  co_return status;
}

Task<> Run(Task<int> work, int& status) {
  try {
    status = co_await std::move(work);
  } catch (const std::exception& e) {
    fmt::print(stderr, "libvirt-guests: {}\n", e.what());
    status = 1;
  }
  Loop::Current().Quit();
}

int RunToEnd(Task<int> work) {
  int status = 1;
  Spawn(Run(std::move(work), status), "libvirt-guests");
  Loop::Current().Run();
  return status;
}

int RunCommand(std::string_view command) {
  GuestsSettings settings = ReadGuestsSettings();
  DriverEnvironment environment = MakeEnvironment();
  if (command == "shutdown") settings.suspend = false;
  GuestsPaths paths{BV_LOCALSTATEDIR "/lib/libvirt/libvirt-guests", BV_LOCALSTATEDIR "/lock/libvirt-guests"};
  Loop loop;
  LibvirtGuests guests(settings, paths, environment);
  if (command == "start") return RunToEnd(guests.Start());
  if (command == "stop" || command == "shutdown") return RunToEnd(guests.Stop());
  if (command == "gueststatus") return RunToEnd(guests.PrintGuests());
  if (command == "status") return guests.PrintStatus();
  if (command == "reload" || command == "force-reload") return 0;
  bool wanted = command == "restart" || guests.started();
  return wanted ? RunToEnd(Restart(guests)) : 0;
}

}  // namespace

std::span<const GuestsCommand> GuestsCommands() { return kCommands; }

int RunLibvirtGuests(int argc, char** argv) {
  std::string_view word = argc == 2 ? argv[1] : "";
  if (word == "--help" || word == "-h") return Usage(stdout, 0);
  if (std::ranges::find(kCommands, word, &GuestsCommand::name) == std::end(kCommands)) return Usage(stderr, kStatusUsage);
  SetLogFromEnvironment();
  try {
    return RunCommand(word);
  } catch (const std::exception& e) {
    fmt::print(stderr, "libvirt-guests: {}\n", e.what());
    return 1;
  }
}

}  // namespace bv
