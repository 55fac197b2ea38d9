#include "qemu/vsock.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "base/error.h"

namespace bv::qemu {
namespace {

// <linux/vhost.h> has it, but is not for C++.
constexpr unsigned long kSetGuestCid = _IOW(0xAF, 0x60, std::uint64_t);

bool SetId(const Fd& fd, std::uint64_t id) { return ioctl(fd.get(), kSetGuestCid, &id) == 0; }

}  // namespace

Fd OpenVsock(model::Vsock& vsock) {
  Fd fd(open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC));
  if (!fd) throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, "unable to open vhost-vsock device");
  if (vsock.auto_cid != model::YesNo::kYes) {
    if (!SetId(fd, vsock.guest_cid)) throw SystemError(ErrorDomain::kQemu, "failed to set guest cid");
    return fd;
  }
  constexpr unsigned kFirstFree = 3;  // 0 to 2 are the host's
  for (unsigned id = std::max(vsock.guest_cid, kFirstFree); id < 0xffffffffu; ++id) {
    if (SetId(fd, id)) {
      vsock.guest_cid = id;
      return fd;
    }
    if (errno != EADDRINUSE) break;
  }
  throw SystemError(ErrorDomain::kQemu, "failed to acquire guest cid");
}

}  // namespace bv::qemu
