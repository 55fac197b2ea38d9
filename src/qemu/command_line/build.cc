#include "qemu/command_line/build.h"

#include <cstdlib>

#include "qemu/command_line/audio.h"
#include "qemu/command_line/boot.h"
#include "qemu/command_line/chardev.h"
#include "qemu/command_line/controller.h"
#include "qemu/command_line/cpu.h"
#include "qemu/command_line/disk.h"
#include "qemu/command_line/display.h"
#include "qemu/command_line/filesystem.h"
#include "qemu/command_line/firmware.h"
#include "qemu/command_line/hostdev.h"
#include "qemu/command_line/machine.h"
#include "qemu/command_line/memory.h"
#include "qemu/command_line/net.h"
#include "qemu/command_line/numa.h"
#include "qemu/command_line/paths.h"
#include "qemu/command_line/small_devices.h"

namespace bv::qemu {

using namespace model;

namespace {

// What QEMU and its libraries find their files by. A system guest must not look into root's home.
void AddEnvironment(const Context& context, CommandLine* out) {
  auto pass = [&](const char* name) {
    if (const char* value = std::getenv(name)) out->environment.emplace_back(name, value);
  };
  out->environment.emplace_back("LC_ALL", "C");
  pass("PATH");
  pass("LD_PRELOAD");
  pass("LD_LIBRARY_PATH");
  if (context.config.privileged) {
    std::string home = DomainLibDir(context);
    out->environment.emplace_back("HOME", home);
    out->environment.emplace_back("XDG_DATA_HOME", home + "/.local/share");
    out->environment.emplace_back("XDG_CACHE_HOME", home + "/.cache");
    out->environment.emplace_back("XDG_CONFIG_HOME", home + "/.config");
  } else {
    for (auto name : {"HOME", "USER", "LOGNAME", "TMPDIR", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}) pass(name);
  }
}

void AddName(const Context& context, CommandLine* out) {
  OptionString name;
  name.Add("guest", context.def.name);
  if (context.config.set_process_name) name.Add("process", "qemu:" + context.def.name);
  name.Add("debug-threads", true);
  out->Option("-name", name);
}

// How QEMU treats what it calls deprecated: the definition's own wish before the administrator's.
void AddCompat(const Context& context, CommandLine* out) {
  std::string_view behavior = context.config.deprecation_behavior;
  if (context.def.qemu.deprecation_given) behavior = ToString(context.def.qemu.deprecation);
  if (behavior == "none" || !context.Has(QemuCap::kCompatDeprecated)) return;
  Props compat;
  compat.Add("deprecated-output", "hide");
  if (behavior != "omit") compat.Add("deprecated-input", behavior);
  out->Option("-compat", compat.Dump());
}

void AddMasterKey(const Context& context, CommandLine* out) {
  out->Object(Props::Object("secret", kMasterKeyAlias).Add("format", "raw").Add("file", DomainLibDir(context) + "/master-key.aes"));
}

void AddMonitor(const Context& context, CommandLine* out) {
  OptionString chardev("socket");
  chardev.Add("id", "charmonitor");
  auto fds = context.options.fds.find("monitor");
  if (fds != context.options.fds.end()) chardev.Add("fd", out->Inherit(fds->second.socket));
  else chardev.Add("path", DomainLibDir(context) + "/monitor.sock");
  out->Option("-chardev", chardev.Add("server", true).Add("wait", false));
  out->Option("-mon", "chardev=charmonitor,id=monitor,mode=control");
}

// What is locked in memory: on request, and where devices of the host write into it.
void AddOvercommit(const Context& context, CommandLine* out) {
  out->Option("-overcommit", OptionString().Add("mem-lock", context.def.memory.backing.locked));
}

void AddSandbox(const Context& context, CommandLine* out) {
  if (!context.Has(QemuCap::kSeccompSandbox)) return;
  if (context.config.seccomp_sandbox && !*context.config.seccomp_sandbox) {
    out->Option("-sandbox", "off");
    return;
  }
  out->Option("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
}

// The definition's own words, as they are.
void AddPassthrough(const Context& context, CommandLine* out) {
  for (auto& word : context.def.qemu.args) out->Option(word);
  for (auto& variable : context.def.qemu.env) out->environment.emplace_back(variable.name, variable.value);
}

}  // namespace

CommandLine BuildCommandLine(const DomainDef& def, const QemuCaps& caps, const QemuConfig& config, const BuildOptions& options) {
  const Context context{def, caps, config, options, options.host ? *options.host : HostQueries::Real()};
  CommandLine line;
  CommandLine* out = &line;
  out->json_devices = context.Has(QemuCap::kDeviceJsonHotplug);
  out->json_objects = context.Has(QemuCap::kObjectQapified);
  out->json_netdevs = context.Has(QemuCap::kNetdevJson);

  AddEnvironment(context, out);
  out->Option(def.emulator);
  AddName(context, out);
  AddCompat(context, out);
  out->Option("-S");
  AddMasterKey(context, out);
  AddManagedReservations(context, out);
  AddFlashNodes(context, out);
  AddMachine(context, out);
  AddAccelerator(context, out);
  AddTseg(context, out);
  AddCpu(context, out);
  AddLoader(context, out);
  AddMemory(context, out);
  AddOvercommit(context, out);
  AddSmp(context, out);
  AddIoThreads(context, out);
  AddNuma(context, out);
  out->Option("-uuid", def.uuid.ToString());
  AddSmbios(context, out);
  AddIdentityDevices(context, out);
  if (def.graphics.empty()) out->Option("-display", "none");
  out->Option("-no-user-config");
  out->Option("-nodefaults");
  AddMonitor(context, out);
  AddClock(context, out);
  AddPower(context, out);
  AddBoot(context, out);
  AddIommu(context, out);
  AddHostBridges(context, out);
  AddControllers(context, out);
  AddMemoryDevices(context, out);
  AddHubs(context, out);
  AddCcidControllers(context, out);
  AddDisks(context, out);
  AddFilesystems(context, out);
  AddInterfaces(context, out);
  AddSmartcards(context, out);
  AddSerials(context, out);
  AddParallels(context, out);
  AddChannels(context, out);
  AddConsoles(context, out);
  AddTpms(context, out);
  AddInputs(context, out);
  AddAudio(context, out);
  AddGraphics(context, out);
  AddVideos(context, out);
  AddSounds(context, out);
  AddWatchdogs(context, out);
  AddRedirdevs(context, out);
  AddHostdevs(context, out);
  if (!options.incoming_uri.empty()) out->Option("-incoming", options.incoming_uri);
  AddMemballoon(context, out);
  AddRngs(context, out);
  AddNvramDevice(context, out);
  AddVmcoreinfo(context, out);
  AddLaunchSecurity(context, out);
  if (!options.load_snapshot.empty()) out->Option("-loadvm", options.load_snapshot);
  AddPassthrough(context, out);
  AddSandbox(context, out);
  AddPanics(context, out);
  AddShmems(context, out);
  AddVsock(context, out);
  if (config.log_timestamp) out->Option("-msg", "timestamp=on");
  return line;
}

}  // namespace bv::qemu
