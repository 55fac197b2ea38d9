#include "host/link_state.h"

#include <charconv>
#include <cerrno>

#include "base/error.h"
#include "host/kernel_files.h"

namespace bv::host {

namespace {
[[noreturn]] void CannotParse(const std::string& text) {
  throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, "Unable to parse: " + text);
}
}  // namespace

model::HostLink ReadLinkState(const KernelFiles& files, const std::string& interface) {
  std::string directory = "/sys/class/net/" + interface;
  auto read = [&](const std::string& path) {
    auto text = files.Read(path);
    if (!text && errno != EINVAL) throw SystemError(ErrorDomain::kNone, "unable to read: " + path);
    return text;
  };
  model::HostLink link;
  auto state = read(directory + "/operstate");
  if (!state) return link;
  auto mode = model::FromString<model::HostLinkState>(*state);
  if (!mode || *mode == model::HostLinkState::kAbsent) CannotParse(*state);
  link.state = *mode;
  // What drivers say of a link that is down differs, and means nothing. Some say nothing (EINVAL) when it is up.
  if (link.state != model::HostLinkState::kUp) return link;
  auto speed = read(directory + "/speed");
  if (!speed) return link;
  // -1 is "unknown", and comes out as the number that it is without its sign.
  long long number = 0;
  auto parsed = std::from_chars(speed->data(), speed->data() + speed->size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != speed->data() + speed->size()) CannotParse(*speed);
  link.speed = static_cast<unsigned>(number);
  return link;
}

}  // namespace bv::host
