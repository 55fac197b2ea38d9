// What QEMU is told and asked between its start and the first instruction of the guest.

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "qemu/agent.h"
#include "qemu/block_tune.h"
#include "qemu/display_password.h"
#include "qemu/guest_hooks.h"
#include "qemu/guests.h"
#include "qemu/rx_filter.h"
#include "qemu/vcpu_slots.h"

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;
using model::ChardevType;

MonitorCommand MakeCommand(std::string name, Json arguments = {}) {
  MonitorCommand command;
  command.name = std::move(name);
  command.arguments = std::move(arguments);
  return command;
}

bool HasPty(const model::DomainDef& def) {
  for (auto* list : {&def.serials, &def.parallels, &def.channels, &def.consoles}) {
    for (auto& chardev : *list) {
      if (chardev->source.type == ChardevType::kPty) return true;
    }
  }
  return !def.channels.empty();
}

// Passwords of displays, where the definition has any.
void AddPasswords(const model::DomainDef& def, const QemuConfig& config, std::vector<MonitorCommand>& commands) {
  for (auto& graphics : def.graphics) {
    bool vnc = graphics->type == model::GraphicsType::kVnc;
    if (!vnc && graphics->type != model::GraphicsType::kSpice) continue;
    auto& fallback = vnc ? config.vnc_password : config.spice_password;
    if (!graphics->auth.given && !fallback) continue;
    commands.push_back(SetPasswordCommand(*graphics, fallback));
    commands.push_back(ExpirePasswordCommand(*graphics));
  }
}

void ReadChardevs(model::DomainDef& def, const Json& chardevs) {
  std::map<std::string, std::pair<std::string, bool>> found;  // alias: file name, open in the guest
  for (auto& chardev : chardevs.elements()) {
    auto label = chardev["label"].AsString().value_or("");
    if (label.starts_with("char")) label.erase(0, 4);
    found[label] = {chardev["filename"].AsString().value_or(""), chardev["frontend-open"].AsBool().value_or(false)};
  }
  for (auto* list : {&def.serials, &def.parallels, &def.channels, &def.consoles}) {
    for (auto& chardev : *list) {
      auto entry = found.find(chardev->info.alias);
      if (entry == found.end()) continue;
      auto& [file, open] = entry->second;
      if (chardev->source.type == ChardevType::kPty && file.starts_with("pty:")) chardev->source.path = file.substr(4);
      if (chardev->kind == model::ChardevKind::kChannel && chardev->channel_target == model::ChannelTarget::kVirtio)
        chardev->state = open ? model::ChannelState::kConnected : model::ChannelState::kDisconnected;
    }
  }
}

}  // namespace

Task<> Guests::RefreshChannels(DomainPtr domain) {
  auto* guest = domain->guest.get();
  if (domain->def().channels.empty()) co_return;
  auto answer = co_await MonitorOf(domain).Execute("query-chardev");
  if (domain->guest.get() != guest) co_return;
  ReadChardevs(domain->MutableDef(), answer);
  for (auto& channel : domain->def().channels) {
    if (channel->target_name != "org.qemu.guest_agent.0" || !guest->agent) continue;
    guest->agent_connected = channel->state == model::ChannelState::kConnected;
    guest->agent->SetOpen(guest->agent_connected);
  }
}

Task<> Guests::Handshake(DomainPtr domain, StartOptions options) {
  auto* guest = domain->guest.get();
  auto& def = domain->def();
  std::vector<MonitorCommand> commands;
  commands.push_back(MakeCommand("qmp_capabilities"));
  commands.push_back(MakeCommand("query-cpus-fast"));
  auto peripherals = Json::Object();
  peripherals.Set("path", "/machine/peripheral");
  commands.push_back(MakeCommand("qom-list", peripherals));
  commands.push_back(MakeCommand("query-iothreads"));
  bool has_pty = HasPty(def);
  if (has_pty) commands.push_back(MakeCommand("query-chardev"));
  auto optional = commands.size();  // from here on errors end the start
  if (def.lifecycle.on_reboot == model::LifecycleAction::kDestroy && guest->caps->HasCommand("set-action")) {
    auto action = Json::Object();
    action.Set("reboot", "shutdown");
    commands.push_back(MakeCommand("set-action", action));
  }
  AddPasswords(def, *config_, commands);
  for (auto& interface : def.interfaces) {
    if (interface->link != model::LinkState::kDown) continue;
    auto link = Json::Object();
    link.Set("name", interface->info.alias);
    link.Set("up", false);
    commands.push_back(MakeCommand("set_link", link));
  }
  for (auto& disk : def.disks) {
    if (HasThrottle(disk->iotune)) commands.push_back(ThrottleCommand(*disk));
  }
  if (def.memballoon && def.memballoon->model != model::MemballoonModel::kNone && options.incoming_fd < 0 &&
      options.incoming_uri.empty()) {
    auto balloon = Json::Object();
    balloon.Set("value", def.memory.current.value_or(def.memory.total) * 1024);
    commands.push_back(MakeCommand("balloon", balloon));
    if (def.memballoon->stats_period > 0) {
      auto period = Json::Object();
      period.Set("path", "/machine/peripheral/" + def.memballoon->info.alias);
      period.Set("property", "guest-stats-polling-interval");
      period.Set("value", def.memballoon->stats_period);
      commands.push_back(MakeCommand("qom-set", period));
    }
  }
  // A guest has all of its memory until its driver gives some back, of which an event tells.
  const bool has_balloon = def.memballoon && def.memballoon->model != model::MemballoonModel::kNone;
  if (has_balloon) commands.push_back(MakeCommand("query-balloon"));
  auto replies = co_await MonitorOf(domain).ExecuteAll(std::move(commands));
  if (domain->guest.get() != guest) co_return;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    // query-chardev and qom-list cannot fail, and the version may lack what is not needed.
    if (i < optional && i != 0) continue;
    replies[i].Value();
  }
  if (auto actual = has_balloon ? replies.back().value["actual"].AsUint() : std::nullopt) domain->MutableDef().memory.current = *actual / 1024;
  guest->devices = Peripherals(replies[2].value);
  if (has_pty) ReadChardevs(domain->MutableDef(), replies[4].value);
  auto cpus = std::move(replies[1].value);
  if (auto more = VcpusToPlugAtStart(def.vcpu); !more.empty()) {
    co_await PlugVcpus(domain, std::move(more));
    if (domain->guest.get() != guest) co_return;
    cpus = co_await MonitorOf(domain).Execute("query-cpus-fast");
    if (domain->guest.get() != guest) co_return;
  }
  NumberVcpus(domain->MutableDef().vcpu);
  ReadVcpus(*guest, cpus);
  co_await PlaceThreads(domain, replies[3].value);
  if (domain->guest.get() == guest) co_await FollowRxFilters(domain);
}

Task<> Guests::FinishStart(DomainPtr domain, StartOptions options) {
  auto* guest = domain->guest.get();
  if (guest->agent) {
    constexpr int kDisconnected = 2, kDomainStarted = 1;
    events_->SendAgentLifecycle(domain->Ref(), kDisconnected, kDomainStarted);
  }
  // A guest with a past is there before it runs again; one that boots has started when it runs.
  bool started_first = options.paused || options.started_detail == started::kRestored || !options.load_snapshot.empty();
  if (options.paused) {
    domain->SetState(State::kPaused, options.paused_reason);
    SaveStatus(domain);
  }
  if (started_first) events_->SendLifecycle(domain->Ref(), Lifecycle::kStarted, options.started_detail);
  if (!options.paused) {
    co_await Resume(domain, options.running_reason);
    if (domain->guest.get() != guest) co_return;
  }
  co_await RunGuestHooks(*domain, "started");
  if (domain->guest.get() != guest) co_return;
  if (!started_first) events_->SendLifecycle(domain->Ref(), Lifecycle::kStarted, options.started_detail);
  if (options.paused) {
    auto detail = options.started_detail == started::kRestored ? suspended::kRestored
                  : options.started_detail == started::kFromSnapshot ? suspended::kFromSnapshot
                                                                    : suspended::kPaused;
    events_->SendLifecycle(domain->Ref(), Lifecycle::kSuspended, detail);
  }
}

}  // namespace bv::qemu
