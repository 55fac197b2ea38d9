#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "base/xml.h"
#include "host/kernel_files.h"
#include "host/topology.h"
#include "model/cpu.h"

namespace bv::host {

struct SecurityModel {
  std::string model, doi;
  std::vector<std::pair<std::string, std::string>> base_labels;  // domain type, label
};

// What capabilities say of the host beyond what the kernel's files do.
struct HostDescription {
  Uuid uuid;
  model::CpuDef cpu;  // cpu/host_cpu.h; without topology and pages
  bool live_migration = false;
  std::vector<std::string> migration_transports;
  std::vector<SecurityModel> security_models;
};

// <host> of capabilities.
void WriteHostCapabilities(xml::Writer& writer, const HostDescription& host, const KernelFiles& files);

// Whether devices can be given to guests: the kernel has put them into IOMMU groups.
bool HasIommu(const KernelFiles& files);

// The machine's own UUID as its firmware tells it; nullopt when there is none or it is a vendor's dummy.
std::optional<Uuid> FirmwareUuid(const KernelFiles& files);

}  // namespace bv::host
