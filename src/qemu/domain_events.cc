#include "qemu/domain_events.h"

#include <fmt/core.h>
#include <regex.h>
#include <strings.h>

#include "base/error.h"

namespace bv::qemu {
namespace {

namespace proc = remote::proc;

void CheckEventId(int event_id) {
  if (event_id < 0 || event_id >= static_cast<int>(EventId::kCount))
    throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError, fmt::format("unsupported event ID {}", event_id));
}

// qemu-monitor-event's ways to say which events: a name, any case, or a POSIX regular expression.
constexpr std::uint32_t kMonitorEventRegex = 1, kMonitorEventNoCase = 2;

bool MonitorEventMatches(const std::string& wanted, std::uint32_t flags, const std::string& event) {
  if (flags & kMonitorEventRegex) {
    regex_t pattern;
    int how = REG_EXTENDED | REG_NOSUB | (flags & kMonitorEventNoCase ? REG_ICASE : 0);
    if (regcomp(&pattern, wanted.c_str(), how) != 0) return false;
    bool matches = regexec(&pattern, event.c_str(), 0, nullptr, 0) == 0;
    regfree(&pattern);
    return matches;
  }
  if (flags & kMonitorEventNoCase) return strcasecmp(wanted.c_str(), event.c_str()) == 0;
  return wanted == event;
}

}  // namespace

struct DomainEvents::Guard {
  DomainEvents* events = nullptr;
  rpc::ClientSession* client = nullptr;
  ~Guard() {
    if (events) events->Forget(*client);
  }
};

void DomainEvents::Watch(rpc::ClientSession& client) {
  auto& guard = client.State<Guard>();
  guard.events = this;
  guard.client = &client;
}

int DomainEvents::Register(rpc::ClientSession& client, int event_id, const std::optional<Dom>& dom) {
  CheckEventId(event_id);
  Watch(client);
  subscriptions_.push_back({&client, static_cast<EventId>(event_id), next_callback_,
                            dom ? std::optional(dom->uuid) : std::nullopt});
  return next_callback_++;
}

void DomainEvents::Deregister(rpc::ClientSession& client, int callback_id) {
  auto removed = subscriptions_.remove_if(
      [&](const Subscription& s) { return s.client == &client && s.callback_id == callback_id && callback_id >= 0; });
  if (!removed)
    throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError,
                fmt::format("domain event callback {} not registered", callback_id));
}

void DomainEvents::RegisterOld(rpc::ClientSession& client, int event_id) {
  CheckEventId(event_id);
  for (auto& s : subscriptions_) {
    if (s.client == &client && s.callback_id < 0 && s.event == static_cast<EventId>(event_id))
      throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError,
                  fmt::format("domain event {} already registered", event_id));
  }
  Watch(client);
  subscriptions_.push_back({&client, static_cast<EventId>(event_id), -1, std::nullopt});
}

void DomainEvents::DeregisterOld(rpc::ClientSession& client, int event_id) {
  CheckEventId(event_id);
  auto removed = subscriptions_.remove_if([&](const Subscription& s) {
    return s.client == &client && s.callback_id < 0 && s.event == static_cast<EventId>(event_id);
  });
  if (!removed)
    throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError, fmt::format("domain event {} not registered", event_id));
}

void DomainEvents::Forget(rpc::ClientSession& client) {
  subscriptions_.remove_if([&](const Subscription& s) { return s.client == &client; });
  monitor_.remove_if([&](const MonitorSubscription& s) { return s.client == &client; });
}

int DomainEvents::RegisterMonitor(rpc::ClientSession& client, const std::optional<Dom>& dom,
                                  std::optional<std::string> event, std::uint32_t flags) {
  Watch(client);
  monitor_.push_back({&client, next_callback_, dom ? std::optional(dom->uuid) : std::nullopt, std::move(event), flags});
  return next_callback_++;
}

void DomainEvents::DeregisterMonitor(rpc::ClientSession& client, int callback_id) {
  auto removed = monitor_.remove_if(
      [&](const MonitorSubscription& s) { return s.client == &client && s.callback_id == callback_id; });
  if (!removed)
    throw Error(ErrorDomain::kRpc, ErrorCode::kInternalError,
                fmt::format("qemu monitor event callback {} not registered", callback_id));
}

Json DomainEvents::Save(rpc::ClientSession& client) const {
  Json events = Json::Array(), monitor = Json::Array();
  for (auto& s : subscriptions_) {
    if (s.client != &client) continue;
    Json entry = Json::Object({{"event", static_cast<int>(s.event)}, {"id", s.callback_id}});
    if (s.only) entry.Set("domain", s.only->ToString());
    events.Append(entry);
  }
  for (auto& s : monitor_) {
    if (s.client != &client) continue;
    Json entry = Json::Object({{"id", s.callback_id}, {"flags", s.flags}});
    if (s.only) entry.Set("domain", s.only->ToString());
    if (s.event) entry.Set("event", *s.event);
    monitor.Append(entry);
  }
  Json saved = Json::Object();
  if (events.size() > 0) saved.Set("events", events);
  if (monitor.size() > 0) saved.Set("monitorEvents", monitor);
  return saved;
}

void DomainEvents::Restore(rpc::ClientSession& client, const Json& saved) {
  auto only = [](const Json& entry) { return Uuid::Parse(entry.Find("domain").AsString().value_or("")); };
  auto number = [](const Json& entry, const char* key) { return static_cast<int>(entry.Find(key).AsInt().value_or(-1)); };
  for (const Json& entry : saved.Find("events").elements()) {
    CheckEventId(number(entry, "event"));
    subscriptions_.push_back({&client, static_cast<EventId>(number(entry, "event")), number(entry, "id"), only(entry)});
  }
  for (const Json& entry : saved.Find("monitorEvents").elements()) {
    monitor_.push_back({&client, number(entry, "id"), only(entry), entry.Find("event").AsString(),
                        static_cast<std::uint32_t>(entry.Find("flags").AsUint().value_or(0))});
  }
  if (saved) Watch(client);
}

template <class Old, class New>
void DomainEvents::SendBoth(EventId event, const typename Old::Msg& msg) {
  for (auto& s : subscriptions_) {
    if (s.event != event || (s.only && *s.only != msg.dom.uuid)) continue;
    if (s.callback_id < 0) {
      s.client->SendEvent<Old>(msg);
    } else {
      typename New::Msg with_id;
      with_id.callbackID = s.callback_id;
      with_id.msg = msg;
      s.client->SendEvent<New>(with_id);
    }
  }
}

template <class New>
void DomainEvents::SendNew(EventId event, typename New::Msg msg) {
  for (auto& s : subscriptions_) {
    if (s.event != event || s.callback_id < 0 || (s.only && *s.only != msg.dom.uuid)) continue;
    msg.callbackID = s.callback_id;
    s.client->SendEvent<New>(msg);
  }
}

void DomainEvents::SendLifecycle(const Dom& dom, Lifecycle event, int detail) {
  SendBoth<proc::DomainEventLifecycle, proc::DomainEventCallbackLifecycle>(
      EventId::kLifecycle, {dom, static_cast<int>(event), detail});
}

void DomainEvents::SendReboot(const Dom& dom) {
  SendBoth<proc::DomainEventReboot, proc::DomainEventCallbackReboot>(EventId::kReboot, {dom});
}

void DomainEvents::SendRtcChange(const Dom& dom, std::int64_t offset) {
  SendBoth<proc::DomainEventRtcChange, proc::DomainEventCallbackRtcChange>(EventId::kRtcChange, {dom, offset});
}

void DomainEvents::SendWatchdog(const Dom& dom, int action) {
  SendBoth<proc::DomainEventWatchdog, proc::DomainEventCallbackWatchdog>(EventId::kWatchdog, {dom, action});
}

void DomainEvents::SendIoError(const Dom& dom, const std::string& path, const std::string& alias, int action,
                               const std::string& reason) {
  SendBoth<proc::DomainEventIoError, proc::DomainEventCallbackIoError>(EventId::kIoError, {dom, path, alias, action});
  SendBoth<proc::DomainEventIoErrorReason, proc::DomainEventCallbackIoErrorReason>(EventId::kIoErrorReason,
                                                                                   {dom, path, alias, action, reason});
}

void DomainEvents::SendGraphics(remote::DomainEventGraphicsMsg msg) {
  SendBoth<proc::DomainEventGraphics, proc::DomainEventCallbackGraphics>(EventId::kGraphics, msg);
}

void DomainEvents::SendControlError(const Dom& dom) {
  SendBoth<proc::DomainEventControlError, proc::DomainEventCallbackControlError>(EventId::kControlError, {dom});
}

void DomainEvents::SendBlockJob(const Dom& dom, const std::string& path, const std::string& dst, int type, int status) {
  SendBoth<proc::DomainEventBlockJob, proc::DomainEventCallbackBlockJob>(EventId::kBlockJob, {dom, path, type, status});
  SendNew<proc::DomainEventBlockJob2>(EventId::kBlockJob2, {0, dom, dst, type, status});
}

void DomainEvents::SendDiskChange(const Dom& dom, std::optional<std::string> old_path,
                                  std::optional<std::string> new_path, const std::string& alias, int reason) {
  SendBoth<proc::DomainEventDiskChange, proc::DomainEventCallbackDiskChange>(
      EventId::kDiskChange, {dom, std::move(old_path), std::move(new_path), alias, reason});
}

void DomainEvents::SendTrayChange(const Dom& dom, const std::string& alias, int reason) {
  SendBoth<proc::DomainEventTrayChange, proc::DomainEventCallbackTrayChange>(EventId::kTrayChange, {dom, alias, reason});
}

void DomainEvents::SendPmwakeup(const Dom& dom) {
  SendBoth<proc::DomainEventPmwakeup, proc::DomainEventCallbackPmwakeup>(EventId::kPmwakeup, {dom});
}

void DomainEvents::SendPmsuspend(const Dom& dom) {
  SendBoth<proc::DomainEventPmsuspend, proc::DomainEventCallbackPmsuspend>(EventId::kPmsuspend, {dom});
}

void DomainEvents::SendPmsuspendDisk(const Dom& dom) {
  SendBoth<proc::DomainEventPmsuspendDisk, proc::DomainEventCallbackPmsuspendDisk>(EventId::kPmsuspendDisk, {dom});
}

void DomainEvents::SendBalloonChange(const Dom& dom, std::uint64_t kib) {
  SendBoth<proc::DomainEventBalloonChange, proc::DomainEventCallbackBalloonChange>(EventId::kBalloonChange, {dom, kib});
}

void DomainEvents::SendDeviceRemoved(const Dom& dom, const std::string& alias) {
  SendBoth<proc::DomainEventDeviceRemoved, proc::DomainEventCallbackDeviceRemoved>(EventId::kDeviceRemoved, {dom, alias});
}

void DomainEvents::SendDeviceAdded(const Dom& dom, const std::string& alias) {
  SendNew<proc::DomainEventCallbackDeviceAdded>(EventId::kDeviceAdded, {0, dom, alias});
}

void DomainEvents::SendDeviceRemovalFailed(const Dom& dom, const std::string& alias) {
  SendNew<proc::DomainEventCallbackDeviceRemovalFailed>(EventId::kDeviceRemovalFailed, {0, dom, alias});
}

void DomainEvents::SendTunable(const Dom& dom, std::vector<TypedParam> params) {
  remote::DomainEventCallbackTunableMsg msg;
  msg.dom = dom;
  for (auto& param : params) msg.params.push_back(std::move(param));
  SendNew<proc::DomainEventCallbackTunable>(EventId::kTunable, std::move(msg));
}

void DomainEvents::SendAgentLifecycle(const Dom& dom, int state, int reason) {
  SendNew<proc::DomainEventCallbackAgentLifecycle>(EventId::kAgentLifecycle, {0, dom, state, reason});
}

void DomainEvents::SendMigrationIteration(const Dom& dom, int iteration) {
  SendNew<proc::DomainEventCallbackMigrationIteration>(EventId::kMigrationIteration, {0, dom, iteration});
}

void DomainEvents::SendJobCompleted(const Dom& dom, std::vector<TypedParam> params) {
  remote::DomainEventCallbackJobCompletedMsg msg;
  msg.dom = dom;
  for (auto& param : params) msg.params.push_back(std::move(param));
  SendNew<proc::DomainEventCallbackJobCompleted>(EventId::kJobCompleted, std::move(msg));
}

void DomainEvents::SendMetadataChange(const Dom& dom, int type, std::optional<std::string> uri) {
  SendNew<proc::DomainEventCallbackMetadataChange>(EventId::kMetadataChange, {0, dom, type, std::move(uri)});
}

void DomainEvents::SendBlockThreshold(const Dom& dom, const std::string& dev, std::optional<std::string> path,
                                      std::uint64_t threshold, std::uint64_t excess) {
  SendNew<proc::DomainEventBlockThreshold>(EventId::kBlockThreshold, {0, dom, dev, std::move(path), threshold, excess});
}

void DomainEvents::SendMemoryFailure(const Dom& dom, int recipient, int action, std::uint32_t flags) {
  SendNew<proc::DomainEventMemoryFailure>(EventId::kMemoryFailure, {0, dom, recipient, action, flags});
}

void DomainEvents::SendMemoryDeviceSizeChange(const Dom& dom, const std::string& alias, std::uint64_t size) {
  SendNew<proc::DomainEventMemoryDeviceSizeChange>(EventId::kMemoryDeviceSizeChange, {0, dom, alias, size});
}

void DomainEvents::SendMonitorEvent(const Dom& dom, const std::string& event, std::int64_t seconds,
                                    std::uint32_t micros, const std::string& details) {
  qemu_protocol::DomainMonitorEventMsg msg;
  msg.dom = dom;
  msg.event = event;
  msg.seconds = seconds;
  msg.micros = micros;
  if (!details.empty()) msg.details = details;
  for (auto& s : monitor_) {
    if ((s.only && *s.only != dom.uuid) || (s.event && !MonitorEventMatches(*s.event, s.flags, event))) continue;
    msg.callbackID = s.callback_id;
    s.client->SendEvent<qemu_protocol::proc::DomainMonitorEvent>(msg);
  }
}

}  // namespace bv::qemu
