#pragma once

#include <string>

#include "base/task.h"
#include "base/uuid.h"

namespace bv {

// Where other drivers get places for guests' interfaces in networks: the network driver of this daemon, or
// virtnetworkd where that is another one.
class NetworkSource {
 public:
  virtual ~NetworkSource() = default;

  // Makes a port in a network that runs, by the XML of a <networkport>. Returns what became of it, in the same language.
  virtual Task<std::string> CreatePort(std::string network, std::string port) = 0;
  virtual Task<> DeletePort(std::string network, Uuid port) = 0;

  static NetworkSource& Get();
  // Set by the driver that is one.
  static void set_local(NetworkSource* source);
};

}  // namespace bv
