#include "qemu/macvtap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "host/interface_names.h"
#include "host/net_link.h"

namespace bv::qemu {

using model::Interface;
using model::InterfaceType;
using model::MacvtapMode;

namespace {

constexpr const char* kSource = "util.netdevmacvlan";

const Interface& ConnectionOf(const Interface& net) { return net.actual ? net.actual->connection : net; }

// MACVLAN_MODE_* of <linux/if_link.h>.
std::uint32_t KernelMode(MacvtapMode mode) {
  switch (mode) {
    case MacvtapMode::kPrivate: return 1;
    case MacvtapMode::kBridge: return 4;
    case MacvtapMode::kPassthrough: return 8;
    case MacvtapMode::kVepa: break;
  }
  return 2;
}

// Where the address of an interface that is passed through is kept, as libvirt does.
std::string AddressFile(const std::string& state_dir, const std::string& lower) { return state_dir + "/" + lower; }

// The node is named by the interface's number, which means another interface in another network namespace.
Fd OpenQueue(const MacvtapRequest& request) {
  std::string node = "/dev/tap" + std::to_string(if_nametoindex(request.name.c_str()));
  Fd fd(open(node.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) throw SystemError(ErrorDomain::kNone, "cannot open macvtap tap device " + node);
  ifreq ifr{};
  if (ioctl(fd.get(), TUNGETIFF, &ifr) < 0) throw SystemError(ErrorDomain::kNone, "cannot get interface flags on macvtap tap");
  if (request.name != ifr.ifr_name)
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, node + " belongs to another interface than " + request.name);
  unsigned features = 0;
  if (ioctl(fd.get(), TUNGETFEATURES, &features) < 0) throw SystemError(ErrorDomain::kNone, "cannot get feature flags on macvtap tap");
  auto set = [&](int flag, bool wanted) {
    if (!(features & static_cast<unsigned>(flag))) return;
    ifr.ifr_flags = static_cast<short>(wanted ? ifr.ifr_flags | flag : ifr.ifr_flags & ~flag);
  };
  set(IFF_VNET_HDR, request.virtio);
  set(IFF_MULTI_QUEUE, request.queues > 1);
  if (ioctl(fd.get(), TUNSETIFF, &ifr) < 0) throw SystemError(ErrorDomain::kNone, "unable to set vnet or multiqueue flags on macvtap");
  return fd;
}

void TakeAddress(const MacvtapRequest& request, const model::MacAddress& own) {
  std::string file = AddressFile(request.state_dir, request.lower);
  // One that is there already is of a guest whose end nobody saw: then `own` was that guest's.
  if (!FileExists(file)) {
    char text[18];
    WriteFileAtomic(file, Json::Object({{"mac", std::string(own.FormatTo(text))}}).Dump(true) + "\n");
  }
  host::NetLink(request.lower).SetMac(request.guest_mac);
}

void GiveAddressBack(const std::string& lower, const std::string& state_dir) {
  std::string file = AddressFile(state_dir, lower);
  auto text = ReadFileIfExists(file);
  if (!text) return;
  auto mac = model::MacAddress::Parse(Json::Parse(*text)["mac"].AsString().value_or(""));
  if (mac) host::NetLink(lower).SetMac(*mac);
  unlink(file.c_str());
}

}  // namespace

bool WantsMacvtap(const Interface& net) { return ConnectionOf(net).type == InterfaceType::kDirect; }

MacvtapRequest MakeMacvtapRequest(const Interface& net, const std::string& state_dir) {
  MacvtapRequest request;
  FillTapRequest(net, host::kMacvtapPrefix, request);
  const Interface& connection = ConnectionOf(net);
  request.lower = connection.source_dev;
  request.mode = connection.direct_mode;
  request.state_dir = state_dir;
  return request;
}

TapDevice OpenMacvtap(const MacvtapRequest& request) {
  TapDevice tap;
  tap.name = request.name;
  const bool passthrough = request.mode == MacvtapMode::kPassthrough;
  model::MacAddress own;
  if (passthrough) own = host::NetLink(request.lower).Mac();
  host::NetLink(request.name).CreateMacvtap(request.lower, request.guest_mac, KernelMode(request.mode));
  try {
    host::NetLink(request.name).SetNoQueue();
    if (passthrough) TakeAddress(request, own);
    for (unsigned i = 0; i < request.queues; ++i) tap.queues.push_back(OpenQueue(request));
    OpenVhost(request, tap);
  } catch (const Error&) {
    RemoveMacvtaps({{request.name, request.lower, passthrough}}, request.state_dir);
    throw;
  }
  return tap;
}

MacvtapTrace MacvtapTraceOf(const Interface& net) {
  const Interface& connection = ConnectionOf(net);
  return {net.target.dev, connection.source_dev, connection.direct_mode == MacvtapMode::kPassthrough};
}

std::vector<MacvtapTrace> MacvtapTraces(const model::DomainDef& def) {
  std::vector<MacvtapTrace> traces;
  for (auto& net : def.interfaces) {
    if (WantsMacvtap(*net) && !net->target.dev.empty()) traces.push_back(MacvtapTraceOf(*net));
  }
  return traces;
}

void RemoveMacvtaps(const std::vector<MacvtapTrace>& traces, const std::string& state_dir) {
  for (const MacvtapTrace& trace : traces) {
    try {
      host::NetLink link(trace.name);
      // Something else may have the name when a daemon died before it had made its own.
      if (link.Exists(trace.name) && link.IsMacvlan()) link.Delete();
      if (trace.passthrough) GiveAddressBack(trace.lower, state_dir);
    } catch (const Error& error) {
      LogWarn(kSource, "'{}' on '{}' is not undone: {}", trace.name, trace.lower, error.message);
    }
  }
}

void RaiseMacvtaps(const std::vector<MacvtapTrace>& traces) {
  for (const MacvtapTrace& trace : traces) {
    host::NetLink(trace.lower).SetUp(true);
    host::NetLink(trace.name).SetUp(true);
  }
}

void LowerMacvtaps(const std::vector<MacvtapTrace>& traces) {
  for (const MacvtapTrace& trace : traces) {
    try {
      host::NetLink(trace.name).SetUp(false);
    } catch (const Error& error) {
      LogWarn(kSource, "'{}' stays up: {}", trace.name, error.message);
    }
  }
}

}  // namespace bv::qemu
