#pragma once

#include <memory>
#include <string>

#include "base/task.h"
#include "model/domain/domain.h"
#include "qemu/guests.h"

namespace bv::qemu {

// Devices of running guests that come, go and change. Callers hold a modifying turn of the domain's jobs.
// What is given is a definition with nothing but the device that is meant, as ParseDevice() makes it.
// A call either did it all, or leaves everything as it was and throws libvirt's error.
class LiveDevices {
 public:
  LiveDevices(std::shared_ptr<const QemuConfig> config, Guests* guests, DomainEvents* events)
      : config_(std::move(config)), guests_(guests), events_(events) {}

  Task<> Attach(DomainPtr domain, model::DomainDef device);
  // Returns when the guest has let go of it, or when it takes long to: then it goes when it goes.
  Task<> Detach(DomainPtr domain, model::DomainDef device);
  Task<> DetachAlias(DomainPtr domain, std::string alias);
  Task<> Update(DomainPtr domain, model::DomainDef device, bool force);

  // QEMU has removed it by itself, or by an earlier wish.
  Task<> Gone(DomainPtr domain, std::string alias);

 private:
  struct Plug;
  template <typename T>
  Task<> AttachOne(DomainPtr domain, std::unique_ptr<model::DomainDef> wanted, T* device);
  Task<> DetachLease(DomainPtr domain, std::unique_ptr<model::Lease> wanted);
  Task<> DetachInfo(DomainPtr domain, std::string alias);
  // What is behind the device, after it.
  Task<> Remove(DomainPtr domain, std::string alias);
  Task<> UpdateDisk(DomainPtr domain, model::Disk& there, std::unique_ptr<model::Disk> wanted, bool force);
  // interface_update.cc
  Task<> UpdateInterface(DomainPtr domain, model::Interface& there, std::unique_ptr<model::Interface> wanted);
  void CompleteUpdate(const Domain& domain, const model::Interface& there, std::unique_ptr<model::Interface>& wanted);
  // Sets `moved` once the host's end is in another bridge.
  Task<> ChangeInterface(DomainPtr domain, model::Interface& there, model::Interface& wanted, bool* moved);
  Task<> ChangeFilter(DomainPtr domain, model::Interface& there, const std::optional<model::FilterRef>& wanted);
  // Throws kOperationInvalid when that guest has ended.
  static void CheckRunning(const DomainPtr& domain, const Guest* guest);
  Task<> UpdateGraphics(DomainPtr domain, model::Graphics& there, const model::Graphics& wanted);
  Task<> UpdateMemory(DomainPtr domain, model::MemoryDevice& there, const model::MemoryDevice& wanted);

  std::shared_ptr<const QemuConfig> config_;
  Guests* guests_;
  DomainEvents* events_;
};

}  // namespace bv::qemu
