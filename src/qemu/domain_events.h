#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/uuid.h"
#include "protocol/qemu_protocol.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv::qemu {

// The public API's virDomainEventID.
enum class EventId : int {
  kLifecycle, kReboot, kRtcChange, kWatchdog, kIoError, kGraphics, kIoErrorReason, kControlError, kBlockJob,
  kDiskChange, kTrayChange, kPmwakeup, kPmsuspend, kBalloonChange, kPmsuspendDisk, kDeviceRemoved, kBlockJob2,
  kTunable, kAgentLifecycle, kDeviceAdded, kMigrationIteration, kJobCompleted, kDeviceRemovalFailed,
  kMetadataChange, kBlockThreshold, kMemoryFailure, kMemoryDeviceSizeChange,
  kCount,
};

// virDomainEventType and its details.
enum class Lifecycle { kDefined, kUndefined, kStarted, kSuspended, kResumed, kStopped, kShutdown, kPmSuspended, kCrashed };
namespace defined { enum Detail { kAdded, kUpdated, kRenamed, kFromSnapshot }; }
namespace undefined { enum Detail { kRemoved, kRenamed }; }
namespace started { enum Detail { kBooted, kMigrated, kRestored, kFromSnapshot, kWakeup }; }
namespace suspended { enum Detail { kPaused, kMigrated, kIoError, kWatchdog, kRestored, kFromSnapshot, kApiError, kPostcopy, kPostcopyFailed }; }
namespace resumed { enum Detail { kUnpaused, kMigrated, kFromSnapshot, kPostcopy, kPostcopyFailed }; }
namespace stopped { enum Detail { kShutdown, kDestroyed, kCrashed, kMigrated, kSaved, kFailed, kFromSnapshot }; }
namespace finished { enum Detail { kFinished, kGuest, kHost }; }  // of kShutdown

// Who wants to hear about domains, and the sending. Clients of the old interface (no callback id)
// and of the new one are told the same things, in the order in which they happened.
class DomainEvents {
 public:
  using Dom = remote::NonnullDomain;

  // All three throw kInvalidArg/kInternalError as libvirt does for what was (not) registered.
  int Register(rpc::ClientSession& client, int event_id, const std::optional<Dom>& dom);
  void Deregister(rpc::ClientSession& client, int callback_id);
  void RegisterOld(rpc::ClientSession& client, int event_id);
  void DeregisterOld(rpc::ClientSession& client, int event_id);
  void Forget(rpc::ClientSession& client);

  int RegisterMonitor(rpc::ClientSession& client, const std::optional<Dom>& dom, std::optional<std::string> event,
                      std::uint32_t flags);
  void DeregisterMonitor(rpc::ClientSession& client, int callback_id);

  void SendLifecycle(const Dom& dom, Lifecycle event, int detail);
  void SendReboot(const Dom& dom);
  void SendRtcChange(const Dom& dom, std::int64_t offset);
  void SendWatchdog(const Dom& dom, int action);
  // Both io-error events: the one with a reason and the older one without.
  void SendIoError(const Dom& dom, const std::string& path, const std::string& alias, int action,
                   const std::string& reason);
  void SendGraphics(remote::DomainEventGraphicsMsg msg);
  void SendControlError(const Dom& dom);
  // `path` for the old event, `dst` (target name) for block-job-2.
  void SendBlockJob(const Dom& dom, const std::string& path, const std::string& dst, int type, int status);
  void SendDiskChange(const Dom& dom, std::optional<std::string> old_path, std::optional<std::string> new_path,
                      const std::string& alias, int reason);
  void SendTrayChange(const Dom& dom, const std::string& alias, int reason);
  void SendPmwakeup(const Dom& dom);
  void SendPmsuspend(const Dom& dom);
  void SendPmsuspendDisk(const Dom& dom);
  void SendBalloonChange(const Dom& dom, std::uint64_t kib);
  void SendDeviceAdded(const Dom& dom, const std::string& alias);
  void SendDeviceRemoved(const Dom& dom, const std::string& alias);
  void SendDeviceRemovalFailed(const Dom& dom, const std::string& alias);
  void SendTunable(const Dom& dom, std::vector<TypedParam> params);
  void SendAgentLifecycle(const Dom& dom, int state, int reason);
  void SendMigrationIteration(const Dom& dom, int iteration);
  void SendJobCompleted(const Dom& dom, std::vector<TypedParam> params);
  void SendMetadataChange(const Dom& dom, int type, std::optional<std::string> uri);
  void SendBlockThreshold(const Dom& dom, const std::string& dev, std::optional<std::string> path,
                          std::uint64_t threshold, std::uint64_t excess);
  void SendMemoryFailure(const Dom& dom, int recipient, int action, std::uint32_t flags);
  void SendMemoryDeviceSizeChange(const Dom& dom, const std::string& alias, std::uint64_t size);

  // What a client listens to, for another process image: members of qemu/upgrade.cc.
  Json Save(rpc::ClientSession& client) const;
  void Restore(rpc::ClientSession& client, const Json& saved);
  int next_callback() const { return next_callback_; }
  void set_next_callback(int id) { next_callback_ = id; }

  // A raw QMP event, for clients of the qemu program. Cheap when nobody listens.
  bool WantsMonitorEvents() const { return !monitor_.empty(); }
  void SendMonitorEvent(const Dom& dom, const std::string& event, std::int64_t seconds, std::uint32_t micros,
                        const std::string& details);

 private:
  struct Subscription {
    rpc::ClientSession* client;
    EventId event;
    int callback_id;  // -1: old style
    std::optional<Uuid> only;
  };
  struct MonitorSubscription {
    rpc::ClientSession* client;
    int callback_id;
    std::optional<Uuid> only;
    std::optional<std::string> event;
    std::uint32_t flags;
  };
  // Removes a client's subscriptions with the connection; kept in the session's state.
  struct Guard;

  void Watch(rpc::ClientSession& client);
  template <class Old, class New>
  void SendBoth(EventId event, const typename Old::Msg& msg);
  template <class New>
  void SendNew(EventId event, typename New::Msg msg);

  std::list<Subscription> subscriptions_;
  std::list<MonitorSubscription> monitor_;
  int next_callback_ = 0;
};

}  // namespace bv::qemu
