#include "host/host_name.h"

#include <netdb.h>
#include <unistd.h>

#include <memory>

#include "base/error.h"

namespace bv::host {

std::string HostName() {
  char buffer[256] = {};
  if (gethostname(buffer, sizeof buffer - 1) < 0) throw SystemError(ErrorDomain::kNone, "failed to determine host name");
  std::string name = buffer;
  // A full name needs no resolver, and for "localhost" it would give one that means nothing elsewhere.
  if (name.starts_with("localhost") || name.find('.') != std::string::npos) return name;
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  hints.ai_family = AF_UNSPEC;
  addrinfo* found = nullptr;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return name;
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  const std::string canonical = found->ai_canonname ? found->ai_canonname : "";
  const bool useful = !canonical.empty() && !canonical.starts_with("localhost");
  return useful ? canonical : name;
}

}  // namespace bv::host
