#include "libvirt_guests/libvirt_guests.h"

#include <fmt/core.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "base/wait.h"
#include "daemon/local_client.h"

namespace bv {

namespace {

using remote::NonnullDomain;

constexpr std::uint32_t kListActive = 1, kListPersistent = 4, kListTransient = 8;
constexpr std::uint32_t kSaveBypassCache = 1, kStartBypassCache = 4, kSyncTime = 1;
constexpr int kStatusBadSettings = 6, kStatusStopped = 3;

// How often guests are looked at while they shut down, and how often people hear of it.
constexpr std::chrono::milliseconds kPoll{250};
constexpr std::chrono::seconds kProgress{5};

constexpr const char* kStates[] = {"no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended"};

// Lines reach the console as they come.
template <typename... Args>
void Say(fmt::format_string<Args...> format, Args&&... args) {
  fmt::print(format, std::forward<Args>(args)...);
  fmt::print("\n");
  std::fflush(stdout);
}

std::string Names(const std::vector<NonnullDomain>& guests) {
  std::vector<std::string> names;
  for (const NonnullDomain& guest : guests) names.push_back(guest.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

bool Contains(const std::vector<NonnullDomain>& guests, const Uuid& uuid) {
  return std::ranges::any_of(guests, [&](const NonnullDomain& guest) { return guest.uuid == uuid; });
}

}  // namespace

LibvirtGuests::LibvirtGuests(GuestsSettings settings, GuestsPaths paths, DriverEnvironment environment)
    : settings_(std::move(settings)), paths_(std::move(paths)), environment_(std::move(environment)) {}

void LibvirtGuests::Fail(const std::string& what, const std::exception& error) {
  fmt::print(stderr, "{}: {}\n", what, error.what());
  status_ = 1;
}

void LibvirtGuests::Fail(const std::string& what, std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    Fail(what, known);
  }
}

// Not reaching a daemon is no failure: a host need not run all that URIS names.
Task<LibvirtGuests::Client> LibvirtGuests::Open(const std::string& uri) {
  try {
    auto client = co_await OpenLocalUri(uri, environment_);
    co_return client;
  } catch (const Error& error) {
    Say("{} is left out, it cannot be reached: {}", uri, error.what());
  }
  co_return nullptr;
}

Task<LibvirtGuests::Guests> LibvirtGuests::Active(Client client, std::uint32_t kinds) {
  remote::ConnectListAllDomainsArgs args;
  args.need_results = 1;
  args.flags = kListActive | kinds;
  auto ret = co_await client->Call<remote::proc::ConnectListAllDomains>(args);
  Guests guests;
  for (NonnullDomain& guest : ret.domains) {
    if (!guest.uuid.IsNull()) guests.push_back(std::move(guest));  // Xen's own domain has no UUID
  }
  co_return guests;
}

// --- at the host's start -------------------------------------------------------------------------

void LibvirtGuests::MarkStarted() {
  try {
    MakeDirs(paths_.mark.substr(0, paths_.mark.rfind('/')));
    WriteFileAtomic(paths_.mark, "", 0644);
  } catch (const Error& error) {
    Fail(paths_.mark, error);
  }
}

Task<int> LibvirtGuests::Start() {
  auto text = ReadFileIfExists(paths_.list);
  if (text && !settings_.start_on_boot) Say("ON_BOOT does not ask for guests to be started");
  for (const GuestListEntry& entry : ParseGuestList(text && settings_.start_on_boot ? *text : "")) {
    if (std::ranges::find(settings_.uris, entry.uri) == settings_.uris.end()) {
      Say("Guests of {} are left alone: URIS does not name it", entry.uri);
      continue;
    }
    Client client = co_await Open(entry.uri);
    if (!client) continue;
    for (const std::string& uuid : entry.uuids) co_await StartGuest(client, uuid);
  }
  if (text) unlink(paths_.list.c_str());
  MarkStarted();
  co_return status_;
}

Task<> LibvirtGuests::StartGuest(Client client, const std::string& text) {
  std::string name = text;
  try {
    auto uuid = Uuid::Parse(text);
    if (!uuid) throw Error(ErrorDomain::kNone, ErrorCode::kInvalidArg, "no UUID");
    remote::DomainLookupByUuidArgs lookup;
    lookup.uuid = *uuid;
    NonnullDomain guest = (co_await client->Call<remote::proc::DomainLookupByUuid>(lookup)).dom;
    name = guest.name;
    if (guest.id >= 0) {
      Say("{} runs already", name);
    } else {
      if (!std::exchange(first_start_, false)) co_await Sleep(std::chrono::seconds(settings_.start_delay));
      remote::DomainCreateWithFlagsArgs create;
      create.dom = guest;
      create.flags = settings_.bypass_cache ? kStartBypassCache : 0;
      guest = (co_await client->Call<remote::proc::DomainCreateWithFlags>(create)).dom;
      Say("{} is started", name);
    }
    if (!settings_.sync_time) co_return;
    remote::DomainSetTimeArgs set_time;
    set_time.dom = guest;
    set_time.flags = kSyncTime;
    co_await client->Call<remote::proc::DomainSetTime>(set_time);
  } catch (const Error& error) {
    Fail(name, error);
  }
}

// --- at the host's end ---------------------------------------------------------------------------

Task<LibvirtGuests::Guests> LibvirtGuests::Choose(Client client, const std::string& uri) {
  Guests running = co_await Active(client);
  Say("{}: {}", uri, running.empty() ? "no guests run" : "these run: " + Names(running));
  if (!settings_.suspend || running.empty()) co_return running;
  // Of a transient guest nothing would be left to restore.
  Guests transient = co_await Active(client, kListTransient);
  if (!transient.empty()) Say("{}: transient and therefore not suspended: {}", uri, Names(transient));
  auto persistent = co_await Active(client, kListPersistent);
  co_return persistent;
}

Task<int> LibvirtGuests::Stop() {
  if (FileExists(paths_.list)) {
    Say("The guests of the last stop still wait for a start; nothing to do");
    co_return 0;
  }
  if (!settings_.suspend && settings_.shutdown_timeout < 0) {
    fmt::print(stderr, "SHUTDOWN_TIMEOUT may not be less than 0\n");
    co_return kStatusBadSettings;
  }
  std::vector<Host> hosts;
  GuestList list;
  for (const std::string& uri : settings_.uris) {
    Client client = co_await Open(uri);
    if (!client) continue;
    try {
      Guests guests = co_await Choose(client, uri);
      if (guests.empty()) continue;
      GuestListEntry entry{.uri = uri, .uuids = {}};
      for (const NonnullDomain& guest : guests) entry.uuids.push_back(guest.uuid.ToString());
      list.push_back(std::move(entry));
      hosts.push_back({uri, client, std::move(guests)});
    } catch (const Error& error) {
      Fail(uri, error);
    }
  }
  if (!list.empty()) {
    // Before any guest goes, and on disk: the host may lose power meanwhile.
    MakeDirs(paths_.list.substr(0, paths_.list.rfind('/')));
    WriteFileAtomic(paths_.list, FormatGuestList(list), 0644);
  }
  for (Host& host : hosts) co_await StopGuestsOf(host);
  unlink(paths_.mark.c_str());
  co_return status_;
}

Task<> LibvirtGuests::StopGuestsOf(Host& host) {
  auto width = static_cast<std::size_t>(std::max(settings_.parallel_shutdown, 1));
  if (settings_.suspend) {
    for (const NonnullDomain& guest : host.guests) co_await Suspend(host.client, guest);
  } else if (width > 1) {
    if (!co_await ShutDown(host.client, host.guests, width)) status_ = 1;
  } else {
    // That one of them is late is told, and is no failure: the original's status is the same.
    for (const NonnullDomain& guest : host.guests) {
      Guests alone(1, guest);
      co_await ShutDown(host.client, alone, 1);
    }
  }
}

Task<> LibvirtGuests::Suspend(Client client, Guest guest) {
  struct Outcome {
    Event done;
    std::exception_ptr error;
  };
  auto outcome = std::make_shared<Outcome>();
  auto save = [](Client client, remote::DomainManagedSaveArgs args, std::shared_ptr<Outcome> outcome) -> Task<> {
    try {
      co_await client->Call<remote::proc::DomainManagedSave>(args);
    } catch (...) {
      outcome->error = std::current_exception();
    }
    outcome->done.Set();
  };
  remote::DomainManagedSaveArgs args;
  args.dom = guest;
  args.flags = settings_.bypass_cache ? kSaveBypassCache : 0;
  Say("{} is being suspended", guest.name);
  Spawn(save(client, args, outcome), "suspend");
  while (!co_await outcome->done.Wait(In(kProgress))) {
    try {
      remote::DomainGetJobInfoArgs job;
      job.dom = guest;
      auto info = co_await client->Call<remote::proc::DomainGetJobInfo>(job);
      Say("{}: {} of {} MiB", guest.name, info.dataProcessed >> 20, info.dataTotal >> 20);
    } catch (const Error&) {
      // Too early or too late to be told.
    }
  }
  if (outcome->error) {
    Fail(guest.name, outcome->error);
  } else {
    Say("{} is suspended", guest.name);
  }
}

Task<bool> LibvirtGuests::AskToShutDown(Client client, const Guest& guest) {
  std::exception_ptr failure;
  try {
    remote::DomainShutdownArgs args;
    args.dom = guest;
    co_await client->Call<remote::proc::DomainShutdown>(args);
    Say("{} is asked to shut down", guest.name);
    co_return true;
  } catch (const Error&) {
    failure = std::current_exception();
  }
  // It may have ended by itself meanwhile.
  Guests active = co_await Active(client);
  if (Contains(active, guest.uuid)) Fail(guest.name, failure);
  co_return false;
}

Task<bool> LibvirtGuests::ShutDown(Client client, Guests waiting, std::size_t width) {
  Deadline begin = Clock::now(), told = begin;
  auto limit = std::chrono::seconds(settings_.shutdown_timeout);
  Deadline deadline = limit.count() > 0 ? begin + limit : kNever;
  Guests going;
  std::ranges::reverse(waiting);
  try {
    while (!waiting.empty() || !going.empty()) {
      while (!waiting.empty() && going.size() < width) {
        NonnullDomain guest = std::move(waiting.back());
        waiting.pop_back();
        if (co_await AskToShutDown(client, guest)) going.push_back(std::move(guest));
      }
      if (going.empty()) continue;
      co_await Sleep(kPoll);
      Guests active = co_await Active(client);
      std::erase_if(going, [&](const NonnullDomain& guest) {
        bool gone = !Contains(active, guest.uuid);
        if (gone) Say("{} is shut down", guest.name);
        return gone;
      });
      if (Clock::now() >= deadline) {
        for (Guests* late : {&going, &waiting}) {
          for (const NonnullDomain& guest : *late) Say("{} did not shut down in time", guest.name);
        }
        co_return going.empty() && waiting.empty();
      }
      if (Clock::now() - told >= kProgress) {
        told = Clock::now();
        auto left = std::chrono::duration_cast<std::chrono::seconds>(deadline - told).count();
        Say("waiting for {} to shut down{}", Names(going), limit.count() > 0 ? fmt::format("; {} s left", left) : "");
      }
    }
  } catch (const Error& error) {
    Fail("cannot look after guests that shut down", error);
  }
  co_return true;
}

// --- looking -------------------------------------------------------------------------------------

Task<int> LibvirtGuests::PrintGuests() {
  for (const std::string& uri : settings_.uris) {
    Say("* {} URI:", uri);
    try {
      auto client = co_await OpenLocalUri(uri, environment_);
      Say(" {:<4} {:<20} {}\n{:-<40}", "Id", "Name", "State", "");
      Guests guests = co_await Active(client);
      for (const NonnullDomain& guest : guests) {
        remote::DomainGetStateArgs args;
        args.dom = guest;
        auto state = co_await client->Call<remote::proc::DomainGetState>(args);
        bool known = state.state >= 0 && state.state < std::ssize(kStates);
        Say(" {:<4} {:<20} {}", guest.id, guest.name, known ? kStates[state.state] : "unknown");
      }
    } catch (const Error& error) {
      Fail(uri, error);
    }
    Say("");
  }
  co_return status_;
}

bool LibvirtGuests::started() const { return FileExists(paths_.mark); }

int LibvirtGuests::PrintStatus() const {
  if (FileExists(paths_.list)) {
    Say("stopped, and guests wait to be started");
    return kStatusStopped;
  }
  Say("{}", started() ? "started" : "stopped, and no guests wait to be started");
  return started() ? 0 : kStatusStopped;
}

}  // namespace bv
