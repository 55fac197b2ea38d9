#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/wait.h"
#include "nodedev/device_watch.h"

namespace bv::nodedev {

// The host's devices, by name. Of each only what finding it takes is kept, from the first time that somebody asks;
// all else is read from the kernel when it is asked for.
class DeviceList {
 public:
  struct Entry {
    std::string path;  // empty for the machine itself
    std::string name;
    std::uint32_t capabilities;  // bits of model::Capability
    bool active = true;          // there; all that are in the list are
  };
  enum class Event { kCreated, kDeleted, kUpdated };
  using OnEvent = std::function<void(Event event, const std::string& name)>;

  explicit DeviceList(OnEvent on_event) : on_event_(std::move(on_event)) {}

  // Brings the list up to what the kernel has now; events come of the differences, if not at the first time.
  Task<> Refresh();
  // From now on the list is brought up to date, with events, as soon as something happens, until `wanted` is false
  // at such a time.
  void Watch(std::function<bool()> wanted);

  const std::vector<Entry>& all() const { return entries_; }
  const Entry* FindName(std::string_view name) const;
  // One of `capabilities` that mdevctl knows by an address: the last part of its path. Null when there is none.
  const Entry* FindAddress(std::string_view address, std::uint32_t capabilities) const;
  // The nearest device above one; the machine where there is none.
  const Entry* FindParent(const Entry& entry) const;

 private:
  std::vector<Entry>::iterator Place(const std::string& path);
  void Put(Entry entry);
  void Remove(const std::string& path);
  void Replace(std::vector<Entry> entries);
  void Tell(Event event, const std::string& name);

  OnEvent on_event_;
  AsyncMutex turn_;
  DeviceWatch watch_;
  std::unique_ptr<FdWatch> readable_;
  std::function<bool()> wanted_;
  bool known_ = false;
  std::vector<Entry> entries_;  // by path
};

}  // namespace bv::nodedev
