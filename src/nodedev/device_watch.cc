#include "nodedev/device_watch.h"

#include <endian.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

namespace bv::nodedev {

namespace {

constexpr unsigned kKernelGroup = 1, kUdevGroup = 2;

// In front of the properties that udev sends. More follows, which is for filters in the kernel.
struct UdevHeader {
  char prefix[8];  // "libudev" and a 0
  std::uint32_t magic, header_size, properties_at, properties_size;
};
constexpr std::uint32_t kMagic = 0xfeedcafe;  // big-endian, the other members are the machine's

std::string_view PropertiesIn(std::string_view datagram, bool udev) {
  if (!udev) return datagram.substr(std::min(datagram.find('\0'), datagram.size()));  // after "ACTION@PATH"
  UdevHeader header;
  if (datagram.size() < sizeof header) return {};
  std::memcpy(&header, datagram.data(), sizeof header);
  if (std::memcmp(header.prefix, "libudev", sizeof header.prefix) != 0 || be32toh(header.magic) != kMagic) return {};
  if (header.properties_at > datagram.size() || header.properties_size > datagram.size() - header.properties_at) return {};
  return datagram.substr(header.properties_at, header.properties_size);
}

// Everybody may send to everybody: the kernel has no port, and udev is root's.
bool IsTrusted(const msghdr& message, const sockaddr_nl& from, bool udev) {
  if (!udev) return from.nl_pid == 0;
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control; control = CMSG_NXTHDR(const_cast<msghdr*>(&message), control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials;
    std::memcpy(&credentials, CMSG_DATA(control), sizeof credentials);
    return credentials.uid == 0;
  }
  return false;
}

}  // namespace

std::optional<DeviceChange> ParseChange(std::string_view datagram, bool udev) {
  DeviceChange change;
  for (std::string_view property : SplitAt(PropertiesIn(datagram, udev), '\0')) {
    std::size_t equals = property.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view key = property.substr(0, equals), value = property.substr(equals + 1);
    if (key == "ACTION") change.action = value;
    else if (key == "DEVPATH") change.path = "/sys" + std::string(value);
    else if (key == "DEVPATH_OLD") change.old_path = "/sys" + std::string(value);
    else if (key == "SUBSYSTEM") change.subsystem = value;
  }
  if (change.action.empty() || change.path.empty()) return std::nullopt;
  return change;
}

void DeviceWatch::Open() {
  udev_ = FileExists("/run/udev/control");
  Fd fd(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
  if (!fd) throw SystemError(ErrorDomain::kNodedev, "cannot watch devices");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = udev_ ? kUdevGroup : kKernelGroup;
  int on = 1, size = 1 << 20;
  // A host that wakes up sends much at once. Who may not have so much gets what the system allows.
  if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0) setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
      bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    throw SystemError(ErrorDomain::kNodedev, "cannot watch devices");
  }
  socket_ = std::move(fd);
}

std::optional<std::vector<DeviceChange>> DeviceWatch::Take() {
  std::vector<DeviceChange> changes;
  bool lost = false;
  for (;;) {
    char bytes[8192];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
    sockaddr_nl from{};
    iovec part{bytes, sizeof bytes};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t size = recvmsg(socket_.get(), &message, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == ENOBUFS) {
      lost = true;
      continue;
    }
    if (size < 0) break;
    if (!IsTrusted(message, from, udev_)) continue;
    if (auto change = ParseChange({bytes, static_cast<std::size_t>(size)}, udev_)) changes.push_back(std::move(*change));
  }
  if (lost) return std::nullopt;
  return changes;
}

}  // namespace bv::nodedev
