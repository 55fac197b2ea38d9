#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "qemu/defaults/validate.h"

// Interfaces, shared directories and shared memory.
namespace bv::qemu::validate {

using namespace model;

namespace {

void OneInterface(const Interface& net) {
  const bool user = net.type == InterfaceType::kUser;
  if (!net.ips.empty() && !user) {
    Unsupported(
        "Invalid attempt to set network interface guest-side IP route and/or address info, not supported by QEMU");
  }
  auto family = [&](bool ipv6) {
    return std::ranges::count_if(net.ips, [&](auto& ip) { return (ip.address.find(':') != std::string::npos) == ipv6; });
  };
  if (family(false) > 1) Unsupported("Only one IPv4 address per interface is allowed");
  if (family(true) > 1) Unsupported("Only one IPv6 address per interface is allowed");
  const bool taps = net.type == InterfaceType::kNetwork || net.type == InterfaceType::kBridge ||
                    net.type == InterfaceType::kEthernet || net.type == InterfaceType::kDirect;
  const bool macvtap = net.type == InterfaceType::kDirect;
  if (net.mtu && (!taps || macvtap) && net.type != InterfaceType::kVhostUser) {
    Unsupported(fmt::format("setting MTU on interface type {} is not supported yet", ToString(net.type)));
  }
  const bool bridged = net.type == InterfaceType::kNetwork || net.type == InterfaceType::kBridge;
  if (net.isolated == YesNo::kYes && !bridged) {
    char mac[18] = "";
    throw Error(ErrorDomain::kDomain, ErrorCode::kConfigUnsupported,
                fmt::format("interface {} - <port isolated='yes'/> is not supported for network interfaces with type='{}'",
                            net.mac ? net.mac->FormatTo(mac) : std::string_view(), ToString(net.type)));
  }
  if (net.bandwidth && net.bandwidth->in && net.bandwidth->in->floor && net.type != InterfaceType::kNetwork) {
    throw Error(ErrorDomain::kNone, ErrorCode::kConfigUnsupported, "floor attribute is not supported for this config");
  }
  if ((net.coalesce_given || net.coalesce_rx_frames_max) && !bridged) {
    Unsupported(fmt::format("coalesce settings on interface type {} are not supported", ToString(net.type)));
  }
  const bool virtio = net.model.starts_with("virtio");
  if (!virtio) RefuseVirtioOptions(net.driver.virtio);
  if (net.type == InterfaceType::kVhostUser && !virtio) {
    throw Error(ErrorDomain::kDomain, ErrorCode::kInternalError,
                "Wrong or no <model> 'type' attribute specified with <interface type='vhostuser'/>. vhostuser requires the virtio-net* frontend");
  }
  if (net.teaming == TeamingType::kPersistent && !virtio) {
    Unsupported(fmt::format("virtio-net teaming persistent interface must be <model type='virtio'/>, not '{}'", net.model));
  }
}

void OneFilesystem(const DomainDef& def, const Filesystem& fs) {
  if (fs.info.boot_order && fs.driver != FsDriver::kVirtiofs) Nonsense("boot order is only supported for virtiofs");
  if (fs.type != FsType::kMount) Unsupported("only supports mount filesystem type");
  if ((fs.fmode || fs.dmode) && fs.access_mode != FsAccessMode::kMapped) {
    Unsupported("fmode and dmode must be used with accessmode=mapped");
  }
  if (fs.driver == FsDriver::kVirtiofs && !HasSharedMemory(def)) Unsupported("'virtiofs' requires shared memory");
}

void OneShmem(const Shmem& shmem) {
  constexpr std::uint64_t kMiB = 1u << 20;
  if (shmem.size == 0) return;
  if (shmem.size < kMiB || !std::has_single_bit(shmem.size)) {
    throw Error(ErrorDomain::kQemu, ErrorCode::kXmlError, "shmem size must be a power of two");
  }
}

}  // namespace

void Sharing(const DomainDef& def) {
  for (auto& net : def.interfaces) OneInterface(*net);
  for (auto& fs : def.filesystems) OneFilesystem(def, *fs);
  for (auto& shmem : def.shmems) OneShmem(*shmem);
  if (def.vsock && def.vsock->guest_cid && def.vsock->guest_cid < 3) Nonsense("guest CIDs must be >= 3");
}

}  // namespace bv::qemu::validate
