#pragma once

#include <memory>
#include <string>

#include "base/task.h"
#include "qemu/config.h"
#include "qemu/domain.h"
#include "qemu/moments.h"

namespace bv::qemu {

// What is known of domains' snapshots and checkpoints, in memory and on disk. Callers hold a job of the domain.
class MomentStore {
 public:
  explicit MomentStore(std::shared_ptr<const QemuConfig> config) : config_(std::move(config)) {}

  static Moments& Of(const std::shared_ptr<Domain>& domain);

  // At the start of the daemon; blocks.
  void Load(const std::shared_ptr<Domain>& domain);
  // Forgets all; what is in the images stays.
  Task<> Discard(std::shared_ptr<Domain> domain);
  Task<> DiscardSnapshots(std::shared_ptr<Domain> domain);
  Task<> DiscardCheckpoints(std::shared_ptr<Domain> domain);

  // Those that are not there are not written.
  Task<> StoreSnapshot(std::shared_ptr<Domain> domain, std::string name);
  Task<> StoreCheckpoint(std::shared_ptr<Domain> domain, std::string name);
  // "": none.
  Task<> MakeSnapshotCurrent(std::shared_ptr<Domain> domain, std::string name);
  // Its children become those of its parent, which becomes the current one if it was it.
  Task<> ForgetSnapshot(std::shared_ptr<Domain> domain, std::string name);
  Task<> ForgetCheckpoint(std::shared_ptr<Domain> domain, std::string name);

 private:
  // What both kinds have done to them; kTree is the member of Moments.
  template <auto kTree>
  const std::string& Directory() const;
  template <auto kTree>
  Task<> DiscardAll(std::shared_ptr<Domain> domain);
  template <auto kTree>
  Task<> Store(std::shared_ptr<Domain> domain, std::string name);
  template <auto kTree>
  Task<> Forget(std::shared_ptr<Domain> domain, std::string name);

  std::shared_ptr<const QemuConfig> config_;
};

}  // namespace bv::qemu
