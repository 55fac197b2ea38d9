#include "nodedev/device_list.h"

#include <sys/epoll.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "nodedev/describe_device.h"

namespace bv::nodedev {

namespace {

constexpr char kSource[] = "node_device.node_device_udev";
using Entry = DeviceList::Entry;

std::optional<Entry> ReadEntry(const host::DeviceFiles& files, const std::string& path) {
  auto device = Describe(UdevDevice(files, path), false);
  if (!device) return std::nullopt;
  return Entry{path, device->name, model::CapabilitiesOf(*device)};
}

std::vector<Entry> ReadAll() {
  host::DeviceFiles files;
  std::vector<Entry> entries{{"", kComputer, model::Bit(model::Capability::kSystem)}};
  for (const std::string& path : FindDevices(files)) {
    if (auto entry = ReadEntry(files, path)) entries.push_back(std::move(*entry));
  }
  return entries;
}

// What each change leaves at its path.
std::vector<std::optional<Entry>> ReadChanged(const std::vector<DeviceChange>& changes) {
  host::DeviceFiles files;
  std::vector<std::optional<Entry>> entries;
  for (const DeviceChange& change : changes) {
    bool there = change.action == "add" || change.action == "change" || change.action == "move";
    entries.push_back(there && IsOfInterest(change.subsystem) ? ReadEntry(files, change.path) : std::nullopt);
  }
  return entries;
}

}  // namespace

Task<> DeviceList::Refresh() {
  auto turn = co_await turn_.Acquire();
  std::optional<std::vector<DeviceChange>> changes;
  if (known_) {
    changes = watch_.Take();
  } else {
    try {
      watch_.Open();  // first, so that nothing gets lost between the two
    } catch (const Error& error) {
      LogWarn(kSource, "devices are looked at anew by every call: {}", error.message);
    }
  }
  if (!changes) {
    auto entries = co_await Offload(ReadAll);
    Replace(std::move(entries));
    known_ = watch_.is_open();
    co_return;
  }
  if (changes->empty()) co_return;
  auto read = [changes = *changes] { return ReadChanged(changes); };
  auto entries = co_await Offload(read);
  for (std::size_t i = 0; i < changes->size(); ++i) {
    const DeviceChange& change = (*changes)[i];
    if (change.action == "remove") Remove(change.path);
    if (change.action == "move") Remove(change.old_path);
    if (entries[i]) Put(std::move(*entries[i]));
  }
}

void DeviceList::Watch(std::function<bool()> wanted) {
  wanted_ = std::move(wanted);
  if (readable_ || !watch_.is_open()) return;
  readable_ = std::make_unique<FdWatch>(watch_.fd(), EPOLLIN, [this](std::uint32_t) {
    if (!wanted_()) return readable_.reset();
    readable_->SetEvents(0);
    Spawn(
        [](DeviceList& list) -> Task<> {
          co_await list.Refresh();
          if (list.readable_) list.readable_->SetEvents(EPOLLIN);
        }(*this),
        "node devices");
  });
}

const Entry* DeviceList::FindName(std::string_view name) const {
  auto found = std::ranges::find(entries_, name, &Entry::name);
  return found == entries_.end() ? nullptr : &*found;
}

const Entry* DeviceList::FindAddress(std::string_view address, std::uint32_t capabilities) const {
  auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return (entry.capabilities & capabilities) && std::string_view(entry.path).substr(entry.path.rfind('/') + 1) == address;
  });
  return found == entries_.end() ? nullptr : &*found;
}

const Entry* DeviceList::FindParent(const Entry& entry) const {
  if (entry.path.empty()) return nullptr;
  std::string path = entry.path;
  while (path.size() > 1) {
    path.resize(path.rfind('/'));
    auto found = std::ranges::lower_bound(entries_, path, {}, &Entry::path);
    if (found != entries_.end() && found->path == path) return &*found;
  }
  return &entries_.front();
}

std::vector<Entry>::iterator DeviceList::Place(const std::string& path) { return std::ranges::lower_bound(entries_, path, {}, &Entry::path); }

void DeviceList::Tell(Event event, const std::string& name) {
  if (known_) on_event_(event, name);
}

void DeviceList::Put(Entry entry) {
  auto at = Place(entry.path);
  bool there = at != entries_.end() && at->path == entry.path;
  if (there && at->name == entry.name) {
    *at = std::move(entry);
    return Tell(Event::kUpdated, at->name);
  }
  std::string name = entry.name;
  if (there) {
    Tell(Event::kDeleted, at->name);
    *at = std::move(entry);
  } else {
    entries_.insert(at, std::move(entry));
  }
  Tell(Event::kCreated, name);
}

void DeviceList::Remove(const std::string& path) {
  auto at = Place(path);
  if (path.empty() || at == entries_.end() || at->path != path) return;
  std::string name = at->name;
  entries_.erase(at);
  Tell(Event::kDeleted, name);
}

void DeviceList::Replace(std::vector<Entry> entries) {
  auto has = [](const std::vector<Entry>& list, const std::string& name) { return std::ranges::find(list, name, &Entry::name) != list.end(); };
  std::vector<Entry> before = std::exchange(entries_, std::move(entries));
  if (!known_) return;
  LogWarn(kSource, "more happened to devices than could be followed; they are listed anew");
  for (const Entry& entry : before) {
    if (!has(entries_, entry.name)) Tell(Event::kDeleted, entry.name);
  }
  for (const Entry& entry : entries_) {
    if (!has(before, entry.name)) Tell(Event::kCreated, entry.name);
  }
}

}  // namespace bv::nodedev
