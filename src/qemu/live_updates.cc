// Devices of running guests that change.

#include <fmt/core.h>

#include "base/error.h"
#include "qemu/block_tune.h"
#include "qemu/command_line/disk.h"
#include "qemu/device_change.h"
#include "qemu/display_password.h"
#include "qemu/live_devices.h"
#include "qemu/plug_steps.h"
#include "qemu/storage_chain.h"

namespace bv::qemu {

using namespace model;

namespace {

template <typename... Args>
[[noreturn]] void Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorDomain::kQemu, code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace

Task<> LiveDevices::Update(DomainPtr domain, DomainDef one, bool force) {
  guests_->MonitorOf(domain);
  auto& live = domain->MutableDef();
  std::function<Task<>()> update;
  VisitDevice(one, [&](auto& device, auto) {
    using T = std::decay_t<decltype(*device)>;
    if constexpr (std::is_same_v<T, Disk>) {
      auto* there = FindDevice(live, *device);
      if (!there) Fail(ErrorCode::kInternalError, "disk '{}' not found", device->dst);
      update = [this, &domain, there, &device, force] { return UpdateDisk(domain, *there, std::move(device), force); };
    } else if constexpr (std::is_same_v<T, Interface>) {
      auto* there = FindDevice(live, *device);
      if (!there) ThrowMissing(*device);
      update = [this, &domain, there, &device] { return UpdateInterface(domain, *there, std::move(device)); };
    } else if constexpr (std::is_same_v<T, Graphics>) {
      auto* there = FindDevice(live, *device);
      if (!there)
        Fail(ErrorCode::kDeviceMissing, "cannot find existing graphics device to modify of type '{}'", ToString(device->type));
      update = [this, &domain, there, &device] { return UpdateGraphics(domain, *there, *device); };
    } else if constexpr (std::is_same_v<T, MemoryDevice>) {
      auto* there = FindByPlace(live, *device);
      if (!there) Fail(ErrorCode::kConfigUnsupported, "memory '{}' not found", device->info.alias);
      update = [this, &domain, there, &device] { return UpdateMemory(domain, *there, *device); };
    } else {
      Fail(ErrorCode::kConfigUnsupported, "live update of device '{}' is not supported", DeviceKind(one));
    }
  });
  co_await update();
  domain->DefChanged();
  co_await guests_->StoreStatus(domain);
}

Task<> LiveDevices::UpdateDisk(DomainPtr domain, Disk& there, std::unique_ptr<Disk> wanted, bool force) {
  auto fixed = [](bool same, const char* field) {
    if (!same) Fail(ErrorCode::kOperationUnsupported, "cannot modify field '{}' of the disk", field);
  };
  fixed(there.device == wanted->device, "device");
  fixed(wanted->bus == DiskBus::kNone || there.bus == wanted->bus, "bus");
  fixed(there.serial == wanted->serial, "serial");
  fixed(there.wwn == wanted->wwn, "wwn");
  fixed(there.vendor == wanted->vendor, "vendor");
  fixed(there.product == wanted->product, "product");
  auto same_source = [](const StorageSource& a, const StorageSource& b) {
    return a.IsEmpty() == b.IsEmpty() && (a.IsEmpty() || (a.type == b.type && a.path == b.path && a.protocol == b.protocol));
  };
  if (there.device == DiskDevice::kDisk || there.device == DiskDevice::kLun) {
    if (!same_source(there.source, wanted->source))
      Fail(ErrorCode::kOperationUnsupported, "cannot modify field '{}' of the disk", "source");
    there.info.boot_order = wanted->info.boot_order;
    there.snapshot = wanted->snapshot;
    co_return;
  }
  auto* guest = domain->guest.get();
  // A drive that is only read has a medium that is only read.
  wanted->source.readonly = there.source.readonly || wanted->source.readonly || there.device == DiskDevice::kCdrom;
  if (wanted->source.format == StorageFormat::kNone) wanted->source.format = StorageFormat::kRaw;
  bool empty = wanted->source.IsEmpty();
  co_await ResolveChain(&wanted->source, *config_);
  if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
  // An ejected medium leaves a number behind as well.
  for (auto* image = &wanted->source; image && !image->IsTerminator(); image = image->backing.get()) image->id = ++guest->next_node;
  // Its nodes are described as of the drive it goes into.
  wanted->info = there.info;
  wanted->bus = there.bus;
  auto options = OptionsFor(*guest);
  auto old_steps = StepsFor(domain->def(), *guest, *config_, OptionsForRemoval(*guest),
                            [&](const Context& context, CommandLine* out) { AddMedium(there, context, out); });
  DescribeDevice describe = [&](const Context& context, CommandLine* out) { AddMedium(*wanted, context, out); };
  auto steps = co_await StepsToAdd(domain, domain->def(), *config_, options, describe);
  auto drive = [&](const char* name) {
    PlugStep step;
    step.command = name;
    step.arguments = Props().Add("id", DiskQomName(there)).json();
    return step;
  };
  std::vector<PlugStep> all;
  auto open = drive("blockdev-open-tray");
  open.arguments.Set("force", force);
  all.push_back(std::move(open));
  if (!there.source.IsEmpty()) all.push_back(drive("blockdev-remove-medium"));
  all.insert(all.end(), steps.begin(), steps.end());
  if (!empty) {
    auto insert = drive("blockdev-insert-medium");
    insert.arguments.Set("node-name", DiskNode(*wanted));
    all.push_back(std::move(insert));
  }
  all.push_back(drive("blockdev-close-tray"));

  std::vector<OwnedFile> given;
  std::exception_ptr failure;
  bool locked = false;
  try {
    co_await guests_->LockImage(domain, wanted->source);
    locked = true;
    if (config_->dynamic_ownership) {
      auto files = OwnedFiles(*wanted);
      auto give = [files, config = config_] { GiveFiles(files, config->uid, config->gid, config->remember_owner); };
      co_await Offload(std::move(give));
      given = std::move(files);
    }
    DomainDef medium;
    medium.disks.push_back(std::move(wanted));
    auto nodes = DeviceNodes(medium);
    wanted = std::move(medium.disks.front());
    if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
    co_await AllowNodes(*guest, std::move(nodes));
    if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
    co_await RunSteps(guests_, domain, std::move(all));
  } catch (...) {
    failure = std::current_exception();
  }
  if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
  auto& gone = failure ? *wanted : there;
  auto back = failure ? std::move(given) : OwnedFiles(there);
  if (!failure) {
    if (auto commands = Removal(old_steps); !commands.empty()) co_await guests_->MonitorOf(domain).ExecuteAll(std::move(commands));
    if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
  }
  if (config_->dynamic_ownership) {
    auto give_back = [back, remember = guest->remember_owner] { GiveBackFiles(back, remember); };
    co_await Offload(std::move(give_back));
    if (domain->guest.get() != guest) Fail(ErrorCode::kOperationInvalid, "domain is not running");
  }
  if (locked || !failure) co_await guests_->UnlockImage(domain, gone.source);
  if (failure) std::rethrow_exception(failure);
  if (domain->guest.get() != guest) co_return;
  there.source = std::move(wanted->source);
  there.tray = DiskTray::kClosed;
}

Task<> LiveDevices::UpdateGraphics(DomainPtr domain, Graphics& there, const Graphics& wanted) {
  auto fixed = [&](bool same, const char* what) {
    if (!same) Fail(ErrorCode::kOperationUnsupported, "cannot change {} on {} graphics", what, ToString(there.type));
  };
  bool vnc = there.type == GraphicsType::kVnc;
  if (!vnc && there.type != GraphicsType::kSpice)
    Fail(ErrorCode::kInternalError, "unable to change config on '{}' graphics type", ToString(there.type));
  // Ports that a start found do not count as asked for.
  fixed(wanted.autoport == there.autoport && (wanted.autoport || wanted.port == there.port), "port settings");
  fixed(wanted.keymap.empty() || wanted.keymap == there.keymap, "keymap setting");
  auto changed = there;
  changed.auth = wanted.auth;
  if (changed.auth.given != there.auth.given || changed.auth.passwd != there.auth.passwd ||
      changed.auth.valid_to != there.auth.valid_to || changed.auth.connected != there.auth.connected) {
    std::vector<MonitorCommand> commands;
    commands.push_back(SetPasswordCommand(changed, vnc ? config_->vnc_password : config_->spice_password));
    commands.push_back(ExpirePasswordCommand(changed));
    auto replies = co_await guests_->MonitorOf(domain).ExecuteAll(std::move(commands));
    for (auto& reply : replies) reply.Value();
    there.auth = changed.auth;
  }
}

Task<> LiveDevices::UpdateMemory(DomainPtr domain, MemoryDevice& there, const MemoryDevice& wanted) {
  if (there.model != MemoryModel::kVirtioMem)
    Fail(ErrorCode::kOperationUnsupported, "cannot modify memory of model '{}'", ToString(there.model));
  auto alias = there.info.alias;
  co_await guests_->MonitorOf(domain).Execute("qom-set", Props()
                                                             .Add("path", "/machine/peripheral/" + alias)
                                                             .Add("property", "requested-size")
                                                             .Add("value", wanted.requested_size * 1024)
                                                             .json());
  there.requested_size = wanted.requested_size;
}

}  // namespace bv::qemu
