#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/task.h"
#include "daemon/driver.h"
#include "libvirt_guests/guest_list.h"
#include "libvirt_guests/settings.h"
#include "protocol/remote.h"
#include "rpc/client.h"

namespace bv {

// Where it keeps what must outlive it.
struct GuestsPaths {
  std::string list;  // guests that ran when the host ended; there from a stop to the next start
  std::string mark;  // there from a start to the next stop
};

// The work of libvirt-guests(8) by the daemons' own protocol. What it does it says on standard output. Each of
// the Tasks comes back with the exit status: 0, or 1 when a guest or a daemon did not do as asked. Files are
// read and written on the loop: nothing else waits for this one.
class LibvirtGuests {
 public:
  LibvirtGuests(GuestsSettings settings, GuestsPaths paths, DriverEnvironment environment);

  // Starts the guests that are listed, and forgets the list.
  Task<int> Start();
  // Lists the guests that run, then suspends them or shuts them down. Does nothing when there is a list: its
  // guests wait for a start. Status 6: the settings make no sense.
  Task<int> Stop();
  // The guests that run, as a table for people.
  Task<int> PrintGuests();
  // Whether Start() has been called, and whether guests wait for it: 0 or 3, as init scripts have it.
  int PrintStatus() const;
  bool started() const;

 private:
  using Client = std::shared_ptr<rpc::Client>;
  using Guest = remote::NonnullDomain;
  using Guests = std::vector<Guest>;
  // A connection with the guests to be taken care of.
  struct Host {
    std::string uri;
    Client client;
    Guests guests;
  };

  // Null, said so, when the daemon cannot be reached.
  Task<Client> Open(const std::string& uri);
  Task<Guests> Active(Client client, std::uint32_t kinds = 0);
  // The guests of a URI that are to be taken care of.
  Task<Guests> Choose(Client client, const std::string& uri);
  Task<> StartGuest(Client client, const std::string& uuid);
  Task<> Suspend(Client client, Guest guest);
  // Presses its power button; false when that came to nothing.
  Task<bool> AskToShutDown(Client client, const Guest& guest);
  // Has them shut down, `width` at a time, within shutdown_timeout; true when all did.
  Task<bool> ShutDown(Client client, Guests guests, std::size_t width);
  Task<> StopGuestsOf(Host& host);
  void MarkStarted();
  void Fail(const std::string& what, const std::exception& error);
  void Fail(const std::string& what, std::exception_ptr error);

  const GuestsSettings settings_;
  const GuestsPaths paths_;
  const DriverEnvironment environment_;
  bool first_start_ = true;
  int status_ = 0;
};

}  // namespace bv
