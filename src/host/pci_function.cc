#include "host/pci_function.h"

#include <fcntl.h>

#include <cerrno>

#include "base/error.h"
#include "base/fd.h"
#include "host/pci_config.h"

namespace bv::host {

namespace {
constexpr char kBus[] = "/sys/bus/pci";
constexpr char kNone[] = "\n";  // takes an override back
}  // namespace

PciFunction::PciFunction(const DeviceFiles& files, std::string address)
    : files_(files), address_(std::move(address)), directory_(kBus + ("/devices/" + address_)) {}

std::optional<std::string> PciFunction::FindAddress(const DeviceFiles& files, std::string_view name) {
  constexpr std::string_view kPrefix = "pci_";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  for (std::string& address : files.NamesAsListed(kBus + std::string("/devices"))) {
    std::string plain = address;
    for (char& c : plain) {
      if (c == ':' || c == '.') c = '_';
    }
    if (plain == name.substr(kPrefix.size())) return std::move(address);
  }
  return std::nullopt;
}

std::string PciFunction::driver() const { return files_.LinkName(directory_ + "/driver"); }

bool PciFunction::IsInUse() const {
  std::string group = files_.LinkName(directory_ + "/iommu_group");
  if (group.empty() || driver() != kVfioPci) return false;
  Fd fd(open((files_.root() + "/dev/vfio/" + group).c_str(), O_RDWR | O_CLOEXEC));
  return !fd && errno == EBUSY;
}

void PciFunction::Write(const std::string& path, const std::string& text, const std::string& fault) {
  if (!files_.Write(path, text)) throw SystemError(ErrorDomain::kNone, fault);
}

void PciFunction::Override(const std::string& driver) {
  Write(directory_ + "/driver_override", driver,
        "Failed to add driver '" + driver + "' to driver_override  interface of PCI device '" + address_ + "'");
}

void PciFunction::Unbind() {
  std::string now = driver();
  if (!now.empty()) Write(directory_ + "/driver/unbind", address_, "Failed to unbind PCI device '" + address_ + "' from " + now);
}

void PciFunction::Probe() { Write(kBus + std::string("/drivers_probe"), address_, "Failed to trigger a probe for PCI device '" + address_ + "'"); }

void PciFunction::BindTo(const std::string& driver_name) {
  if (driver() == driver_name) return;
  Override(driver_name);
  try {
    Unbind();
    Probe();
  } catch (const Error&) {
    // As it was, as far as that goes; the first fault is the one to tell.
    files_.Write(directory_ + "/driver_override", kNone);
    if (driver().empty()) files_.Write(kBus + std::string("/drivers_probe"), address_);
    throw;
  }
}

void PciFunction::BindToHost() {
  Override(kNone);
  Unbind();
  Probe();
}

void PciFunction::Reset() {
  if (driver() == kVfioPci) return;
  PciConfig config(files_, directory_);
  constexpr unsigned kExpressFlr = 1u << 28, kFeaturesFlr = 2;
  unsigned express = config.Capability(PciConfig::kExpress), features = config.Capability(PciConfig::kAdvancedFeatures);
  if (express && (config.Long(express + 4) & kExpressFlr)) return;
  if (features && (config.Byte(features + 3) & kFeaturesFlr)) return;
  if (!files_.Write(directory_ + "/reset", "1")) {
    throw Error(ErrorDomain::kNone, ErrorCode::kInternalError,
                "Unable to reset PCI device " + address_ + ": no FLR, PM reset or bus reset available");
  }
}

}  // namespace bv::host
