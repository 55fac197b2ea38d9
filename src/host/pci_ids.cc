#include "host/pci_ids.h"

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace bv::host {

PciNames FindPciNames(unsigned vendor, unsigned device, const std::string& list) {
  PciNames names;
  std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(list.c_str(), "re"), &fclose);
  if (!file) return names;
  // Vendors begin their lines, their devices follow behind a tab, and parts of those behind two: "10de  NVIDIA".
  const std::string vendor_start = fmt::format("{:04x}  ", vendor), device_start = fmt::format("\t{:04x}  ", device);
  char* line = nullptr;
  std::size_t capacity = 0;
  bool inside = false;
  for (ssize_t size; (size = getline(&line, &capacity, file.get())) > 0;) {
    std::string_view text(line, static_cast<std::size_t>(size));
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (inside && text.starts_with(device_start)) {
      names.device = text.substr(device_start.size());
      break;
    }
    if (text.empty() || text[0] == '\t' || text[0] == '#') continue;
    if (inside) break;
    inside = text.starts_with(vendor_start);
    if (inside) names.vendor = text.substr(vendor_start.size());
  }
  free(line);
  return names;
}

}  // namespace bv::host
