#include "qemu/command_line/small_devices.h"

#include <algorithm>

#include "qemu/command_line/chardev.h"
#include "qemu/command_line/device.h"
#include "qemu/command_line/memory.h"
#include "qemu/command_line/paths.h"
#include "qemu/machine_kind.h"

namespace bv::qemu {

using namespace model;

DeviceParts DescribeRng(const Rng& rng, const Context& context) {
  DeviceParts parts;
  const std::string& alias = rng.info.alias;
  switch (rng.backend) {
    case RngBackend::kRandom:
      parts.objects.push_back(Props::Object("rng-random", "obj" + alias).Add("filename", rng.path));
      break;
    case RngBackend::kEgd:
      parts.objects.push_back(Props::Object("rng-egd", "obj" + alias).Add("chardev", "char" + alias));
      break;
    case RngBackend::kBuiltin:
      parts.objects.push_back(Props::Object("rng-builtin", "obj" + alias));
      break;
  }
  Props props = VirtioDevice("virtio-rng", rng.info, rng.model, rng.virtio, context);
  props.Add("rng", "obj" + alias).Add("id", alias);
  if (rng.rate_bytes) {
    constexpr unsigned kOneSecond = 1000;
    props.Add("max-bytes", rng.rate_bytes).Add("period", rng.rate_period ? rng.rate_period : kOneSecond);
  }
  AddAddress(&props, rng.info, context);
  parts.device = std::move(props);
  return parts;
}

void AddRngs(const Context& context, CommandLine* out) {
  for (auto& rng : context.def.rngs) {
    if (rng->backend == RngBackend::kEgd) AddChardev(rng->source, rng->info.alias, "vdagent", context, out);
    DeviceParts parts = DescribeRng(*rng, context);
    for (auto& object : parts.objects) out->Object(object);
    AddDevice(*parts.device, rng->info, context, out);
  }
}

Props DescribeWatchdog(const Watchdog& watchdog, const Context& context) {
  Props props = Props::Device(ToString(watchdog.model)).Add("id", watchdog.info.alias);
  AddAddress(&props, watchdog.info, context);
  return props;
}

void AddWatchdogs(const Context& context, CommandLine* out) {
  for (auto& watchdog : context.def.watchdogs) {
    AddDevice(DescribeWatchdog(*watchdog, context), watchdog->info, context, out);
    // A dump is libvirt's doing, with the guest paused.
    out->Option("-watchdog-action",
                watchdog->action == WatchdogAction::kDump ? "pause" : ToString(watchdog->action));
  }
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

void AddShmems(const Context& context, CommandLine* out) {
  for (auto& shmem : context.def.shmems) {
    DeviceParts parts = DescribeShmem(*shmem, context);
    for (auto& object : parts.objects) out->Object(object);
    AddDevice(*parts.device, shmem->info, context, out);
    if (!shmem->server) continue;
    ChardevSource server;
    server.type = ChardevType::kUnix;
    server.path = shmem->server->path;
    AddChardev(server, shmem->info.alias, "vdagent", context, out);
  }
}

Props DescribeVsock(const Vsock& vsock, const Context& context) {
  Props props = VirtioDevice("vhost-vsock", vsock.info, vsock.model, vsock.virtio, context);
  auto fds = context.options.fds.find(vsock.info.alias);
  props.Add("id", vsock.info.alias).Add("guest-cid", vsock.guest_cid);
  props.Add("vhostfd", std::to_string(fds == context.options.fds.end() ? -1 : fds->second.vhost_device));
  AddAddress(&props, vsock.info, context);
  return props;
}

void AddVsock(const Context& context, CommandLine* out) {
  auto& vsock = context.def.vsock;
  if (!vsock) return;
  auto fds = context.options.fds.find(vsock->info.alias);
  if (fds != context.options.fds.end() && fds->second.vhost_device >= 0) out->Inherit(fds->second.vhost_device);
  AddDevice(DescribeVsock(*vsock, context), vsock->info, context, out);
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

Props DescribeRedirdev(const Redirdev& redirdev, const Context& context) {
  Props props = Props::Device("usb-redir").Add("chardev", "char" + redirdev.info.alias).Add("id", redirdev.info.alias);
  if (context.def.redirfilter && !context.def.redirfilter->usb.empty()) {
    std::string rules;
    auto number = [](int value, int digits) { return value < 0 ? std::string("-1") : fmt::format("0x{:0{}X}", value, digits); };
    for (auto& rule : context.def.redirfilter->usb) {
      if (!rules.empty()) rules += '|';
      rules += fmt::format("{}:{}:{}:{}:{:d}", number(rule.usb_class, 2), number(rule.vendor, 4), number(rule.product, 4),
                           number(rule.version, 4), rule.allow == YesNo::kYes);
    }
    props.Add("filter", rules);
  }
  AddBootIndex(&props, redirdev.info, context);
  AddAddress(&props, redirdev.info, context);
  return props;
}

void AddRedirdevs(const Context& context, CommandLine* out) {
  for (auto& redirdev : context.def.redirdevs) {
    AddChardev(redirdev->source, redirdev->info.alias, "usbredir", context, out);
    AddDevice(DescribeRedirdev(*redirdev, context), redirdev->info, context, out);
  }
}

DeviceParts DescribeMemoryDevice(const MemoryDevice& memory, const Context& context) {
  DeviceParts parts;
  const std::string backend_id = "mem" + memory.info.alias;
  if (memory.model == MemoryModel::kSgxEpc) throw Unsupported("sgx epc isn't supported by this QEMU binary");
  MemoryBackend backend =
      DescribeMemoryBackend({.alias = backend_id, .size = memory.size, .cell = memory.node, .device = &memory}, context);
  if (backend.thread_context) parts.objects.push_back(*backend.thread_context);
  parts.objects.push_back(backend.object);

  const char* driver = memory.model == MemoryModel::kDimm        ? "pc-dimm"
                       : memory.model == MemoryModel::kNvdimm    ? "nvdimm"
                       : memory.model == MemoryModel::kVirtioMem ? "virtio-mem-pci"
                                                                 : "virtio-pmem-pci";
  Props props = Props::Device(driver);
  props.Add("node", memory.node).AddSet("label-size", memory.label_size * 1024);
  props.AddSet("block-size", memory.block_size * 1024);
  if (memory.model == MemoryModel::kVirtioMem) props.Add("requested-size", memory.requested_size * 1024);
  if (memory.uuid) props.Add("uuid", memory.uuid->ToString());
  if (memory.readonly) props.Add("unarmed", true);
  props.Add("memdev", backend_id);
  // virtio-mem fills what is plugged instead of its back end.
  if (memory.model == MemoryModel::kVirtioMem && context.Has(QemuCap::kVirtioMemPciPrealloc) &&
      context.def.memory.backing.allocation == MemoryAllocation::kImmediate) {
    props.Add("prealloc", true);
  }
  props.Add("id", memory.info.alias);
  AddAddress(&props, memory.info, context);
  parts.device = std::move(props);
  return parts;
}

void AddMemoryDevices(const Context& context, CommandLine* out) {
  for (auto& memory : context.def.memory_devices) {
    DeviceParts parts = DescribeMemoryDevice(*memory, context);
    for (auto& object : parts.objects) out->Object(object);
    AddDevice(*parts.device, memory->info, context, out);
  }
}

void AddVmcoreinfo(const Context& context, CommandLine* out) {
  if (context.def.features.vmcoreinfo == OnOff::kOn) out->Device(Props::Device("vmcoreinfo"));
}

void AddSmartcards(const Context& context, CommandLine* out) {
  for (auto& card : context.def.smartcards) {
    const DeviceInfo& info = card->info;
    Props props;
    switch (card->mode) {
      case SmartcardMode::kHost:
        props = Props::Device("ccid-card-emulated").Add("backend", "nss-emulated");
        break;
      case SmartcardMode::kHostCertificates: {
        props = Props::Device("ccid-card-emulated").Add("backend", "certificates");
        constexpr const char* kKeys[] = {"cert1", "cert2", "cert3"};
        for (std::size_t i = 0; i < std::size(kKeys) && i < card->certificates.size(); ++i) props.Add(kKeys[i], card->certificates[i]);
        props.Add("db", card->database.empty() ? "/etc/pki/nssdb" : card->database);
        break;
      }
      case SmartcardMode::kPassthrough:
        AddChardev(card->passthrough, info.alias, "smartcard", context, out);
        props = Props::Device("ccid-card-passthru").Add("chardev", "char" + info.alias);
        break;
    }
    unsigned controller = info.address.type == AddressType::kCcid ? info.address.ccid.controller : 0;
    std::string alias = ControllerAlias(ControllerType::kCcid, controller, context);
    props.Add("id", info.alias).Add("bus", (alias.empty() ? fmt::format("ccid{}", controller) : alias) + ".0");
    AddDevice(std::move(props), info, context, out);
  }
}

void AddTpms(const Context& context, CommandLine* out) {
  for (auto& tpm : context.def.tpms) {
    const std::string& alias = tpm->info.alias;
    if (tpm->model == TpmModel::kSpaprProxy) {
      Props props = Props::Device("spapr-tpm-proxy").Add("id", alias).Add("host-path", tpm->source.path);
      AddDevice(std::move(props), tpm->info, context, out);
      continue;
    }
    auto fds = context.options.fds.find(alias);
    if (tpm->backend == TpmBackend::kPassthrough) {
      OptionString option("passthrough");
      option.Add("id", "tpm-" + alias);
      if (fds != context.options.fds.end()) {
        option.Add("path", out->AddFdSet(fds->second.file, alias + "-tpm"));
        option.Add("cancel-path", out->AddFdSet(fds->second.log, alias + "-cancel"));
      } else if (context.host.FileExists(tpm->source.path)) {
        option.Add("path", tpm->source.path);
      } else {
        throw SystemError(ErrorDomain::kQemu, ENOENT, "Could not open TPM device " + tpm->source.path);
      }
      out->Option("-tpmdev", option);
    } else {
      out->Option("-chardev", OptionString("socket").Add("id", "chrtpm").Add("path", tpm->source.path));
      out->Option("-tpmdev", OptionString("emulator").Add("id", "tpm-" + alias).Add("chardev", "chrtpm"));
    }
    Props props = Props::Device(ToString(tpm->model)).Add("tpmdev", "tpm-" + alias).Add("id", alias);
    AddAddress(&props, tpm->info, context);
    AddDevice(std::move(props), tpm->info, context, out);
  }
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
