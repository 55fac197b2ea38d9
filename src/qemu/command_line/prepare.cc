#include "qemu/command_line/prepare.h"

#include <algorithm>
#include <map>

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "qemu/command_line/context.h"
#include "qemu/command_line/firmware_select.h"
#include "qemu/command_line/paths.h"
#include "qemu/cpu_models.h"
#include "qemu/machine_kind.h"
#include "qemu/nvram.h"

namespace bv::qemu {

using namespace model;

namespace {

Accelerator AcceleratorOf(const DomainDef& def) {
  return def.virt_type == VirtType::kKvm ? Accelerator::kKvm : Accelerator::kTcg;
}

// --- memory --------------------------------------------------------------------------------------

KiB RoundUp(KiB size, KiB step) { return (size + step - 1) / step * step; }

// QEMU takes whole megabytes, and boards map modules in larger steps.
void AlignMemory(DomainDef* def) {
  const KiB step = IsPseries(*def) ? 256 << 10 : 1 << 10;
  const KiB module_step = IsPseries(*def) ? 256 << 10 : 2 << 10;
  KiB initial = 0, modules = 0;
  for (auto& device : def->memory_devices) modules += device->size;
  for (auto& cell : def->numa.cells) {
    cell.memory = RoundUp(cell.memory, step);
    initial += cell.memory;
  }
  if (!initial) initial = RoundUp(def->memory.total - modules, step);
  modules = 0;
  for (auto& device : def->memory_devices) {
    device->size = RoundUp(device->size, module_step);
    modules += device->size;
  }
  def->memory.max = RoundUp(def->memory.max, step);
  def->memory.total = initial + modules;
}

// --- displays ------------------------------------------------------------------------------------

void PrepareListens(Graphics* graphics, const Context& context) {
  const bool vnc = graphics->type == GraphicsType::kVnc;
  const std::string& address = vnc ? context.config.vnc_listen : context.config.spice_listen;
  for (auto& listen : graphics->listens) {
    switch (listen.type) {
      case ListenType::kAddress:
        if (!listen.address.empty()) break;
        // The administrator may prefer sockets to ports.
        if (vnc ? context.config.vnc_auto_unix_socket : context.config.spice_auto_unix_socket) {
          listen.type = ListenType::kSocket;
          listen.socket = fmt::format("{}/{}.sock", DomainLibDir(context), ToString(graphics->type));
          listen.from_config = true;
        } else {
          listen.address = address;
          listen.from_config = true;
        }
        break;
      case ListenType::kNetwork:
        if (!listen.address.empty()) break;
        if (!context.options.network_address) {
          throw Error(ErrorDomain::kNetwork, ErrorCode::kNoNetwork, fmt::format("no network with matching name '{}'", listen.network));
        }
        listen.address = context.options.network_address(listen.network);
        break;
      case ListenType::kSocket:
        if (listen.socket.empty()) {
          listen.socket = fmt::format("{}/{}.sock", DomainLibDir(context), ToString(graphics->type));
          listen.auto_generated = true;
        }
        break;
      case ListenType::kNone:
        break;
    }
  }
}

// Ports of a line that is only looked at; a start takes them from the pool of free ones before.
void PreparePorts(Graphics* graphics, const Context& context) {
  constexpr int kVnc = 5900, kSpice = 5901, kSpiceTls = 5902;
  if (graphics->type == GraphicsType::kVnc) {
    if (graphics->autoport && graphics->autoport_given != YesNo::kNo) graphics->port = kVnc;
  } else if (graphics->type == GraphicsType::kSpice) {
    bool plain = graphics->port == -1, tls = graphics->tls_port == -1;
    if (graphics->autoport) {
      plain = graphics->default_mode != SpiceMode::kSecure;
      tls = graphics->default_mode != SpiceMode::kInsecure && context.config.spice_tls.enabled;
    }
    if (plain) graphics->port = kSpice;
    if (tls) graphics->tls_port = kSpiceTls;
    else if (graphics->tls_port == -1) graphics->tls_port = 0;
  }
}

void PrepareGraphics(DomainDef* def, const Context& context) {
  for (auto& graphics : def->graphics) {
    if (graphics->type == GraphicsType::kVnc || graphics->type == GraphicsType::kSpice) {
      PrepareListens(graphics.get(), context);
      if (context.options.standalone) PreparePorts(graphics.get(), context);
    }
    if (graphics->type == GraphicsType::kDbus && graphics->p2p != YesNo::kYes && graphics->address.empty()) {
      graphics->address = fmt::format("unix:path={}/{}-dbus.sock", context.config.dirs.dbus, ShortName(*def));
      graphics->address_from_config = true;
    }
    const bool renders = graphics->type == GraphicsType::kEglHeadless ||
                         (graphics->gl == YesNo::kYes &&
                          (graphics->type == GraphicsType::kSpice || graphics->type == GraphicsType::kDbus));
    if (renders && graphics->rendernode.empty()) graphics->rendernode = context.host.DrmRenderNode();
  }
}

// --- channels, shared memory, TPMs -----------------------------------------------------------------

void PrepareChannels(DomainDef* def, const Context& context) {
  for (auto& channel : def->channels) {
    if (channel->source.type != ChardevType::kUnix || !channel->source.path.empty()) continue;
    if (channel->channel_target != ChannelTarget::kVirtio && channel->channel_target != ChannelTarget::kXen) continue;
    auto& place = channel->info.address.virtio_serial;
    std::string name = channel->target_name.empty()
                           ? fmt::format("vioser-{:02}-{:02}-{:02}.sock", place.controller, place.bus, place.port)
                           : channel->target_name;
    channel->source.path = fmt::format("{}/{}", ChannelTargetDir(*def, context.config), name);
    channel->source.listen = true;
  }
}

void PrepareShmems(DomainDef* def) {
  for (auto& shmem : def->shmems) {
    if (shmem->server && shmem->server->path.empty()) {
      shmem->server->path = fmt::format("/var/lib/libvirt/shmem-{}-sock", shmem->name);
    }
  }
}

void PrepareTpms(DomainDef* def, const Context& context) {
  for (auto& tpm : def->tpms) {
    if (tpm->backend == TpmBackend::kEmulator) {
      tpm->source.path = fmt::format("{}/swtpm/{}-swtpm.sock", context.config.dirs.state, ShortName(*def));
    } else if (tpm->backend == TpmBackend::kPassthrough && tpm->source.path.empty()) {
      tpm->source.path = "/dev/tpm0";
    }
  }
}

// --- storage -------------------------------------------------------------------------------------

void TranslateVolume(StorageSource* source, const Context& context) {
  if (source->type != StorageType::kVolume || !source->volume) return;
  if (!context.options.translate_volume) {
    throw Error(ErrorDomain::kStorage, ErrorCode::kNoStoragePool,
                fmt::format("no storage pool with matching name '{}'", source->volume->pool));
  }
  context.options.translate_volume(*source);
}

// Images are numbered from the last disk to the first, each chain from its top; hot-plugged ones
// go on from there.
void PrepareImages(DomainDef* def, const Context& context) {
  unsigned next = 1;
  for (auto disk = def->disks.rbegin(); disk != def->disks.rend(); ++disk) {
    TranslateVolume(&(*disk)->source, context);
    if ((*disk)->source.type == StorageType::kVhostUser) continue;
    for (StorageSource* image = &(*disk)->source; image; image = image->backing.get()) {
      if (image != &(*disk)->source && image->IsTerminator()) break;
      if (image->id == 0) image->id = next;
      next = std::max(next, image->id) + 1;
    }
  }
  for (auto& hostdev : def->hostdevs) {
    if (hostdev->mode == HostdevMode::kSubsystem && hostdev->type == HostdevType::kScsi && hostdev->scsi.iscsi->id == 0) {
      hostdev->scsi.iscsi->id = next++;
    }
  }
}

// --- firmware ------------------------------------------------------------------------------------

void PrepareFirmware(DomainDef* def, const Context& context) {
  Os& os = def->os;
  if (os.firmware != Firmware::kNone) SelectFirmware(def, context.config.privileged);
  // Writable variables of a read-only image are the guest's own file.
  if (!os.loader || os.loader->type != LoaderType::kPflash || os.loader->readonly != YesNo::kYes) return;
  if (os.loader->stateless == YesNo::kYes) return;
  if (!os.nvram) os.nvram.emplace();
  if (os.nvram->source.path.empty() && os.nvram->source.type != StorageType::kNetwork) {
    os.nvram->source.type = StorageType::kFile;
    os.nvram->source.format = StorageFormat::kRaw;
    os.nvram->source.path = NvramPath(context.config, def->name);
  }
}

// --- CPU -----------------------------------------------------------------------------------------

// A time stamp counter can only tick as the host's does, unless the host can scale it.
void CheckTscFrequency(const DomainDef& def, const CpuDef* host) {
  constexpr std::uint64_t kTolerancePerMillion = 250;
  if (!host || !host->tsc || !host->tsc->frequency || host->tsc->scaling == YesNo::kYes) return;
  const std::uint64_t ticks = host->tsc->frequency, slack = ticks * kTolerancePerMillion / 1000000;
  for (auto& timer : def.clock.timers) {
    if (timer.name != TimerName::kTsc || !timer.frequency) continue;
    if (timer.frequency >= ticks - slack && timer.frequency <= ticks + slack) continue;
    throw Unsupported(
        "Requested TSC frequency {} Hz is outside tolerance range ([{}, {}] Hz) around host frequency {} Hz and TSC scaling is "
        "not supported by the host CPU",
        timer.frequency, ticks - slack, ticks + slack, ticks);
  }
}

void PrepareCpu(DomainDef* def, const QemuCaps& caps) {
  if (def->cpu) ResolveGuestCpu(*def->cpu, caps, AcceleratorOf(*def), def->os.arch);
}

// The program of a vhost-user device, by the first descriptor of its type.
std::string VhostUserProgram(std::string_view type, bool privileged) {
  std::map<std::string, std::string> files;  // by name: a later directory's replaces an earlier one's
  for (auto& directory : DescriptorDirectories("vhost-user", privileged)) {
    for (const std::string& name : ListDirectory(directory, ".json")) files[name] = directory + "/" + name;
  }
  for (auto& [name, path] : files) {
    try {
      Json descriptor = Json::Parse(ReadFile(path));
      if (descriptor.GetString("type") == type) return descriptor.GetString("binary");
    } catch (const Error& error) {
      LogWarn("qemu.qemu_vhost_user", "{}: {}", path, error.what());
    }
  }
  return {};
}

void PrepareFilesystems(DomainDef* def, const Context& context) {
  for (auto& fs : def->filesystems) {
    if (fs->driver != FsDriver::kVirtiofs || !fs->socket.empty() || !fs->binary.empty()) continue;
    fs->binary = VhostUserProgram("fs", context.config.privileged);
    if (fs->binary.empty()) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, "Unable to find a satisfying virtiofsd");
  }
}

// No back end program for a GPU in a process of its own is looked for yet.
void PrepareVideos(DomainDef* def) {
  for (auto& video : def->videos) {
    if (video->backend == VideoBackend::kVhostUser) {
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, "Unable to find a satisfying vhost-user-gpu");
    }
  }
}

}  // namespace

void MakeInterfacesGeneric(DomainDef* def, const BuildOptions& options) {
  const HostQueries& host = options.host ? *options.host : HostQueries::Real();
  for (auto& net : def->interfaces) {
    if (!net->script.empty() && !host.FileExists(net->script)) {
      throw Error(ErrorDomain::kNone, ErrorCode::kInternalError, fmt::format("Child process ({}) unexpected exit status 127", net->script));
    }
    // The device behind a passed-through interface stays, but is found no place for.
    if (net->type == InterfaceType::kHostdev) {
      auto hostdev = std::make_unique<Hostdev>(std::move(*net->hostdev));
      hostdev->info = {};
      def->hostdevs.push_back(std::move(hostdev));
    }
    auto generic = std::make_unique<Interface>();
    generic->type = InterfaceType::kEthernet;
    generic->mac = net->mac;
    generic->model = net->model;
    net = std::move(generic);
  }
}

void Prepare(DomainDef* def, const QemuCaps& caps, const QemuConfig& config, const BuildOptions& options) {
  const Context context{*def, caps, config, options, options.host ? *options.host : HostQueries::Real()};
  CheckTscFrequency(*def, options.host_cpu);
  AlignMemory(def);
  PrepareFirmware(def, context);
  PrepareCpu(def, caps);
  PrepareGraphics(def, context);
  PrepareVideos(def);
  PrepareFilesystems(def, context);
  PrepareChannels(def, context);
  PrepareTpms(def, context);
  PrepareShmems(def);
  PrepareImages(def, context);
}

}  // namespace bv::qemu
