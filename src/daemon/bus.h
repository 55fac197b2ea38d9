#pragma once

#ifdef BV_WITH_SYSTEMD
#include <systemd/sd-bus.h>
#endif

#include <functional>
#include <memory>
#include <string>

#include "base/loop.h"
#include "base/task.h"

// The system's D-Bus, through libsystemd, which is loaded when somebody first wants the bus, so that
// a host without it or a daemon at rest does without.

namespace bv {

#ifdef BV_WITH_SYSTEMD

// The functions of libsystemd that we use.
struct SdBus {
  decltype(&sd_bus_open_system) open_system;
  decltype(&sd_bus_close_unref) close_unref;
  decltype(&sd_bus_get_fd) get_fd;
  decltype(&sd_bus_get_events) get_events;
  decltype(&sd_bus_get_timeout) get_timeout;
  decltype(&sd_bus_process) process;
  decltype(&sd_bus_call_async) call_async;
  decltype(&sd_bus_slot_unref) slot_unref;
  decltype(&sd_bus_message_new_method_call) message_new_method_call;
  decltype(&sd_bus_message_append) message_append;
  decltype(&sd_bus_message_open_container) message_open_container;
  decltype(&sd_bus_message_close_container) message_close_container;
  decltype(&sd_bus_message_read) message_read;
  decltype(&sd_bus_message_enter_container) message_enter_container;
  decltype(&sd_bus_message_exit_container) message_exit_container;
  decltype(&sd_bus_message_get_error) message_get_error;
  decltype(&sd_bus_message_ref) message_ref;
  decltype(&sd_bus_message_unref) message_unref;

  // Null when the library is not there.
  static const SdBus* Load();
};

using BusMessage = std::shared_ptr<sd_bus_message>;

// One connection to the system bus, shared by all who use it and made anew after it was lost.
class SystemBus {
 public:
  // Throws kDbusService (domain kDbus), at once, when there is no bus.
  static std::shared_ptr<SystemBus> Get();
  ~SystemBus();

  struct Method {
    const char* destination;
    const char* path;
    const char* interface;
    const char* member;
  };
  // Appends the arguments; returns a negative errno as the functions of SdBus do.
  using AppendArguments = std::function<int(const SdBus& lib, sd_bus_message* message)>;

  // The reply. Throws kDbusService with the peer's error, or kOperationTimeout.
  static Task<BusMessage> Call(Method method, AppendArguments append, Clock::duration timeout);

 private:
  SystemBus(const SdBus& lib, sd_bus* bus);
  void Process();

  const SdBus& lib_;
  sd_bus* bus_;
  bool lost_ = false;
  std::unique_ptr<FdWatch> watch_;
  Timer timer_;
};

#endif

}  // namespace bv
