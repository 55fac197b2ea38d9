#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/loop.h"
#include "model/value.h"
#include "nwfilter/packets.h"

namespace bv::nwfilter {

// Looks at the packets on a guest's interface until it is destroyed, and tells what they say of the guest's
// address. It may be destroyed from within what it calls.
class AddressWatch {
 public:
  using Tell = std::function<void(LearnedAddress)>;

  // A socket on which the kernel puts what can say something: IPv4 and ARP, or DHCP's answers only. Blocks;
  // throws kSystemError when the interface cannot be listened to.
  static Fd Open(const std::string& interface, LearnFrom from);

  AddressWatch(Fd socket, const model::MacAddress& guest, LearnFrom from, Tell tell);
  ~AddressWatch();

  LearnFrom from() const { return from_; }

 private:
  void OnReadable();

  const model::MacAddress guest_;
  const LearnFrom from_;
  Tell tell_;
  Fd socket_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace bv::nwfilter
