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

  // This daemon's own driver's, or virtnwfilterd's.
  static FilterBindings& Get();
  // Set by the driver that is one.
  static void set_local(FilterBindings* bindings);
};

}  // namespace bv
