#pragma once

#include <string>

#include "base/task.h"

namespace bv {

// Where other drivers have network filters bound to their guests' interfaces.
class FilterBindings {
 public:
  virtual ~FilterBindings() = default;

  // Puts the filter of a <filterbinding> in force before it returns. Throws what clients get from
  // NWFILTER_BINDING_CREATE_XML.
  virtual Task<> CreateBinding(std::string xml) = 0;
  // Lifts it; an interface without one is none's concern.
  virtual Task<> DeleteBinding(std::string interface) = 0;

  // Those of this daemon's own driver, or null. Set by the driver that is one.
  static FilterBindings* local();
  static void set_local(FilterBindings* bindings);
};

// virtnwfilterd's, by its socket in `socket_dir`.
class RemoteFilterBindings : public FilterBindings {
 public:
  explicit RemoteFilterBindings(const std::string& socket_dir) : socket_(socket_dir + "/virtnwfilterd-sock") {}
  Task<> CreateBinding(std::string xml) override;
  Task<> DeleteBinding(std::string interface) override;

 private:
  std::string socket_;
};

}  // namespace bv
