#include "nodedev/udev_device.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace bv::nodedev {

namespace {
constexpr std::string_view kBuses[] = {"pci", "usb", "scsi", "mdev", "ccw", "css", "vdpa", "ap", "matrix"};
constexpr std::string_view kClasses[] = {"block", "net", "drm", "scsi_generic"};
}  // namespace

UdevDevice::UdevDevice(const host::DeviceFiles& files, std::string path) : files_(files), path_(std::move(path)) {
  auto text = files_.Read(path_ + "/uevent");
  if (!text) return;
  exists_ = true;
  subsystem_ = files_.LinkName(path_ + "/subsystem");
  for (std::string_view line : SplitAt(*text, '\n')) {
    if (std::size_t equals = line.find('='); equals != std::string_view::npos) {
      properties_.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
  }
  ReadDatabase();
}

// Its files are named for numbers of devices ("b8:0", "c1:3"), of interfaces ("n2"), or "+SUBSYSTEM:NAME".
void UdevDevice::ReadDatabase() {
  std::string id = "+" + subsystem_ + ":" + std::string(name());
  if (auto major = Property("MAJOR"); major && *major != "0") {
    id = (subsystem_ == "block" ? "b" : "c") + *major + ":" + Property("MINOR").value_or("");
  } else if (auto index = Property("IFINDEX"); index && subsystem_ == "net") {
    id = "n" + *index;
  }
  auto text = files_.Read("/run/udev/data/" + id);
  if (!text) return;
  for (std::string_view line : SplitAt(*text, '\n')) {
    if (line.starts_with("S:")) links_.push_back("/dev/" + std::string(line.substr(2)));
    std::size_t equals = line.find('=');
    if (line.starts_with("E:") && equals != std::string_view::npos) {
      properties_.insert_or_assign(std::string(line.substr(2, equals - 2)), std::string(line.substr(equals + 1)));
    }
  }
  std::ranges::sort(links_);
}

std::optional<std::string> UdevDevice::Property(const std::string& key) const {
  auto found = properties_.find(key);
  return found == properties_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> UdevDevice::Attribute(const std::string& file) const {
  auto text = files_.Read(path_ + "/" + file);
  if (!text) return text;
  std::erase_if(*text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return text->empty() ? std::nullopt : text;
}

std::string UdevDevice::Node() const {
  auto name = Property("DEVNAME");
  return name ? "/dev/" + *name : std::string();
}

bool IsOfInterest(std::string_view subsystem) {
  return std::ranges::find(kBuses, subsystem) != std::end(kBuses) || std::ranges::find(kClasses, subsystem) != std::end(kClasses);
}

std::vector<std::string> FindDevices(const host::DeviceFiles& files) {
  std::set<std::string> paths;
  auto look = [&](const std::string& directory) {
    for (const std::string& name : files.NamesAsListed(directory)) {
      std::string target = files.LinkTarget(directory + "/" + name);
      while (target.starts_with("../")) target.erase(0, 3);
      if (target.starts_with("devices/")) paths.insert("/sys/" + target);
    }
  };
  for (std::string_view bus : kBuses) look("/sys/bus/" + std::string(bus) + "/devices");
  for (std::string_view name : kClasses) look("/sys/class/" + std::string(name));
  return {paths.begin(), paths.end()};
}

}  // namespace bv::nodedev
