#include "qemu/command_line/small_devices.h"

#include "qemu/command_line/chardev.h"
#include "qemu/command_line/device.h"
#include "qemu/command_line/paths.h"

namespace bv::qemu {

using namespace model;

Props DescribeWatchdog(const Watchdog& watchdog, const Context& context) {
  Props props = Props::Device(ToString(watchdog.model)).Add("id", watchdog.info.alias);
  AddAddress(&props, watchdog.info, context);
  return props;
}

void AddWatchdog(const Watchdog& watchdog, const Context& context, CommandLine* out) {
  AddDevice(DescribeWatchdog(watchdog, context), watchdog.info, context, out);
  // A dump is libvirt's doing, with the guest paused.
  out->WatchdogAction(watchdog.action == WatchdogAction::kDump ? "pause" : ToString(watchdog.action));
}

void AddWatchdogs(const Context& context, CommandLine* out) {
  for (auto& watchdog : context.def.watchdogs) AddWatchdog(*watchdog, context, out);
}

Props DescribeMemballoon(const Memballoon& balloon, const Context& context) {
  VirtioModel model = balloon.model == MemballoonModel::kTransitional      ? VirtioModel::kTransitional
                      : balloon.model == MemballoonModel::kNonTransitional ? VirtioModel::kNonTransitional
                                                                           : VirtioModel::kVirtio;
  Props props = VirtioDevice("virtio-balloon", balloon.info, model, balloon.virtio, context);
  props.Add("id", balloon.info.alias).Add("deflate-on-oom", balloon.autodeflate);
  props.Add("free-page-reporting", balloon.free_page_reporting);
  AddAddress(&props, balloon.info, context);
  return props;
}

void AddMemballoon(const Context& context, CommandLine* out) {
  auto& balloon = context.def.memballoon;
  if (!balloon || balloon->model == MemballoonModel::kNone) return;
  AddDevice(DescribeMemballoon(*balloon, context), balloon->info, context, out);
}

void AddPanics(const Context& context, CommandLine* out) {
  for (auto& panic : context.def.panics) {
    // Hyper-V's is a CPU feature, those of pSeries and s390 are always there.
    if (panic->model != PanicModel::kIsa) continue;
    Props props = Props::Device("pvpanic");
    if (panic->info.address.type == AddressType::kIsa) props.AddSet("ioport", panic->info.address.isa.iobase);
    AddDevice(std::move(props), panic->info, context, out);
  }
}

DeviceParts DescribeShmem(const Shmem& shmem, const Context& context) {
  DeviceParts parts;
  const std::string& alias = shmem.info.alias;
  constexpr std::uint64_t kDefaultSize = 4 << 20;
  Props props = Props::Device(ToString(shmem.model)).Add("id", alias);
  switch (shmem.model) {
    case ShmemModel::kIvshmemPlain:
      parts.objects.push_back(Props::Object("memory-backend-file", "shmmem-" + alias)
                                  .Add("mem-path", "/dev/shm/" + shmem.name)
                                  .Add("size", shmem.size ? shmem.size : kDefaultSize)
                                  .Add("share", true));
      props.Add("memdev", "shmmem-" + alias);
      if (shmem.role != ShmemRole::kDefault) props.AddOnOff("master", shmem.role == ShmemRole::kMaster);
      break;
    case ShmemModel::kIvshmemDoorbell:
      props.Add("chardev", "char" + alias);
      if (shmem.role != ShmemRole::kDefault) props.AddOnOff("master", shmem.role == ShmemRole::kMaster);
      if (shmem.msi) props.AddSet("vectors", shmem.msi->vectors).Add("ioeventfd", shmem.msi->ioeventfd);
      break;
    default:
      throw Unsupported("ivshmem device is not supported with this QEMU binary");
  }
  AddAddress(&props, shmem.info, context);
  parts.device = std::move(props);
  return parts;
}

void AddShmem(const Shmem& shmem, const Context& context, CommandLine* out) {
  DeviceParts parts = DescribeShmem(shmem, context);
  for (auto& object : parts.objects) out->Object(object);
  AddDevice(*parts.device, shmem.info, context, out);
  if (!shmem.server) return;
  ChardevSource server;
  server.type = ChardevType::kUnix;
  server.path = shmem.server->path;
  AddChardev(server, shmem.info.alias, "vdagent", context, out);
}

void AddShmems(const Context& context, CommandLine* out) {
  for (auto& shmem : context.def.shmems) AddShmem(*shmem, context, out);
}

Props DescribeVsock(const Vsock& vsock, const std::string& fd, const Context& context) {
  Props props = VirtioDevice("vhost-vsock", vsock.info, vsock.model, vsock.virtio, context);
  props.Add("id", vsock.info.alias).Add("guest-cid", vsock.guest_cid);
  props.Add("vhostfd", fd);
  AddAddress(&props, vsock.info, context);
  return props;
}

void AddVsock(const Vsock& vsock, const Context& context, CommandLine* out) {
  auto fds = context.options.fds.find(vsock.info.alias);
  int fd = fds == context.options.fds.end() ? -1 : fds->second.vhost_device;
  auto name = fd >= 0 ? out->Inherit(fd) : "-1";
  AddDevice(DescribeVsock(vsock, name, context), vsock.info, context, out);
}

void AddVsock(const Context& context, CommandLine* out) {
  if (context.def.vsock) AddVsock(*context.def.vsock, context, out);
}

void AddIommu(const Context& context, CommandLine* out) {
  auto& iommu = context.def.iommu;
  if (!iommu) return;
  switch (iommu->model) {
    case IommuModel::kIntel: {
      Props props = Props::Device("intel-iommu").Add("id", iommu->info.alias).AddOnOff("intremap", iommu->intremap);
      props.Add("caching-mode", iommu->caching_mode).AddOnOff("eim", iommu->eim).Add("device-iotlb", iommu->iotlb);
      AddDevice(std::move(props.AddSet("aw-bits", iommu->aw_bits)), iommu->info, context, out);
      return;
    }
    case IommuModel::kVirtio: {
      Props props = Props::Device("virtio-iommu").Add("id", iommu->info.alias);
      AddAddress(&props, iommu->info, context);
      AddDevice(std::move(props), iommu->info, context, out);
      return;
    }
    case IommuModel::kSmmuv3:
      return;  // a switch of the machine
  }
}

void AddNvramDevice(const Context& context, CommandLine* out) {
  auto& nvram = context.def.nvram;
  if (nvram && nvram->info.address.type == AddressType::kSpaprVio && nvram->info.address.spapr_reg) {
    out->Option("-global", fmt::format("spapr-nvram.reg={:#x}", *nvram->info.address.spapr_reg));
  }
}

void AddVmcoreinfo(const Context& context, CommandLine* out) {
  if (context.def.features.vmcoreinfo == OnOff::kOn) out->Device(Props::Device("vmcoreinfo"));
}

void AddLaunchSecurity(const Context& context, CommandLine* out) {
  if (!context.def.launch_security) return;
  const LaunchSecurity& security = *context.def.launch_security;
  if (security.type == LaunchSecurityType::kS390Pv) {
    out->Object(Props::Object("s390-pv-guest", "lsec0"));
  } else if (security.type == LaunchSecurityType::kSev) {
    Props props = Props::Object("sev-guest", "lsec0");
    props.Add("cbitpos", security.cbitpos).Add("reduced-phys-bits", security.reduced_phys_bits).Add("policy", security.policy);
    if (!security.dh_cert.empty()) props.Add("dh-cert-file", DomainLibDir(context) + "/dh_cert.base64");
    if (!security.session.empty()) props.Add("session-file", DomainLibDir(context) + "/session.base64");
    out->Object(props.Add("kernel-hashes", security.kernel_hashes));
  }
}

}  // namespace bv::qemu
