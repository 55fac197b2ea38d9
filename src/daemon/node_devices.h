#pragma once

#include <string>

#include "base/task.h"

namespace bv {

// Where hypervisors hear whether there is a device of the host by some name: the node device driver of this daemon,
// if it has one, else virtnodedevd.
class NodeDevices {
 public:
  virtual ~NodeDevices() = default;

  // Throws what the driver does where there is none.
  static Task<> Check(std::string name);

  // Set by the driver that is one.
  static void set_local(NodeDevices* devices);

 protected:
  virtual Task<> CheckLocally(std::string name) = 0;
};

}  // namespace bv
