#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/device_files.h"

namespace bv::nodedev {

// A device as udev's clients see it: the kernel's directory of it, and what udev's rules found out about it, which
// is in a database that is not there where no udev runs. Reads files, so from a handler through Offload().
class UdevDevice {
 public:
  // `path` is where the device is: "/sys/devices/...". Nothing is read of one that is gone.
  UdevDevice(const host::DeviceFiles& files, std::string path);

  bool exists() const { return exists_; }
  const host::DeviceFiles& files() const { return files_; }
  const std::string& path() const { return path_; }
  std::string_view name() const { return std::string_view(path_).substr(path_.rfind('/') + 1); }
  const std::string& subsystem() const { return subsystem_; }
  std::string driver() const { return files_.LinkName(path_ + "/driver"); }

  std::optional<std::string> Property(const std::string& key) const;
  // Of the property, which is "1" or not there for most of them.
  bool Has(const std::string& key) const { return Property(key) == "1"; }
  // A file's text without control characters; nullopt for one that is not there, or empty then.
  std::optional<std::string> Attribute(const std::string& file) const;

  // "/dev/sda", empty for a device that has none, and the links that udev made to it, sorted.
  std::string Node() const;
  const std::vector<std::string>& links() const { return links_; }

 private:
  void ReadDatabase();

  const host::DeviceFiles& files_;
  std::string path_, subsystem_;
  bool exists_ = false;
  std::map<std::string, std::string> properties_;
  std::vector<std::string> links_;
};

// The subsystems whose devices somebody is told of; looking at all would cost ten times as much.
bool IsOfInterest(std::string_view subsystem);
// The paths of all their devices, sorted.
std::vector<std::string> FindDevices(const host::DeviceFiles& files);

}  // namespace bv::nodedev
