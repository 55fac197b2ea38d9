#include "host/host_uuid.h"

#include <optional>

#include "host/host_capabilities.h"

namespace bv::host {

namespace {
std::optional<Uuid> chosen;
}

Uuid HostUuid() {
  if (!chosen) chosen = FirmwareUuid(KernelFiles());
  if (!chosen) chosen = Uuid::Generate();
  return *chosen;
}

void SetHostUuid(const Uuid& uuid) { chosen = uuid; }

}  // namespace bv::host
