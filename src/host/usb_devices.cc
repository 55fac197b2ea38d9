#include "host/usb_devices.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <tuple>

#include "base/error.h"

namespace bv::host {

std::vector<UsbDevice> UsbDevices(const DeviceFiles& files) {
  const std::string directory = "/sys/bus/usb/devices";
  if (!files.Exists(directory)) throw SystemError(ErrorDomain::kNone, ENOENT, "cannot open directory '" + directory + "'");
  std::vector<UsbDevice> devices;
  for (const std::string& name : files.NamesAsListed(directory)) {
    // Interfaces of devices are listed there as well.
    if (name.find(':') != std::string::npos) continue;
    auto number = [&](const char* file, int base) {
      auto text = files.Read(directory + "/" + name + "/" + file);
      return text ? std::optional(static_cast<unsigned>(std::strtoul(text->c_str(), nullptr, base))) : std::nullopt;
    };
    auto bus = number("busnum", 10), device = number("devnum", 10), vendor = number("idVendor", 16), product = number("idProduct", 16);
    if (bus && device && vendor && product) devices.push_back({*bus, *device, *vendor, *product});
  }
  std::ranges::sort(devices, {}, [](auto& d) { return std::tuple(d.bus, d.device); });
  return devices;
}

}  // namespace bv::host
