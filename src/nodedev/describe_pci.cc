#include <unistd.h>

#include <algorithm>

#include "host/pci_config.h"
#include "host/pci_ids.h"
#include "nodedev/describe_parts.h"

namespace bv::nodedev {

namespace {

using model::Ability;
using model::AbilityDetails;

model::PciPlace PlaceOf(std::string_view address) {
  auto numbers = HexNumbers(address);
  if (numbers.size() != 4) throw NotTold();
  return {numbers[0], numbers[1], numbers[2], numbers[3]};
}

model::PcieLink LinkOf(model::PcieLinkKind kind, unsigned word) {
  unsigned speed = word & 0xf;
  bool known = speed < std::size(model::Spelling<model::PcieSpeed>::kNames);
  return {kind, std::nullopt, known ? static_cast<model::PcieSpeed>(speed) : model::PcieSpeed::kAbsent, (word & 0x3f0) >> 4};
}

model::PciExpress ExpressOf(const host::PciConfig& config, unsigned at) {
  constexpr unsigned kIntegratedEndpoint = 9, kEventCollector = 10;  // these are on no link
  model::PciExpress express;
  unsigned kind = config.Word(at + 2) >> 4 & 0xf;
  if (kind == kIntegratedEndpoint || kind == kEventCollector) return express;
  unsigned can = config.Long(at + 0xc);
  express.links.push_back(LinkOf(model::PcieLinkKind::kCapability, can));
  express.links[0].port = can >> 24;
  express.links.push_back(LinkOf(model::PcieLinkKind::kState, config.Word(at + 0x12)));
  return express;
}

void AddFunctions(const UdevDevice& device, model::NodeCapability& capability) {
  if (std::string physical = device.files().LinkName(device.path() + "/physfn"); !physical.empty()) {
    AbilityDetails& ability = capability.abilities.emplace_back();
    ability.kind = Ability::kPhysicalFunction;
    ability.functions.push_back(PlaceOf(physical));
  }
  AbilityDetails ability;
  ability.kind = Ability::kVirtualFunctions;
  if (auto max = device.Attribute("sriov_totalvfs")) ability.max_functions = Number<unsigned>(*max);
  for (unsigned number : device.files().Numbered(device.path(), "virtfn")) {
    ability.functions.push_back(PlaceOf(device.files().LinkName(device.path() + "/virtfn" + std::to_string(number))));
  }
  if (ability.max_functions > 0 || !ability.functions.empty()) capability.abilities.push_back(std::move(ability));
}

}  // namespace

void AddMdevTypes(const UdevDevice& device, model::NodeCapability& capability) {
  AbilityDetails ability;
  ability.kind = Ability::kMdevTypes;
  std::string directory = device.path() + "/mdev_supported_types";
  for (const std::string& id : device.files().NamesAsListed(directory)) {
    std::string path = directory + "/" + id;
    model::MdevType& type = ability.mdev_types.emplace_back();
    type.id = id;
    type.name = device.files().Read(path + "/name").value_or("");
    type.device_api = device.files().Read(path + "/device_api").value_or("");
    type.instances = device.files().ReadNumber(path + "/available_instances").value_or(0);
  }
  if (!ability.mdev_types.empty()) capability.abilities.push_back(std::move(ability));
}

void DescribePci(const UdevDevice& device, bool full, model::NodeCapability& capability) {
  model::PciDevice& pci = capability.pci;
  pci.device_class = Number<unsigned>(device.Property("PCI_CLASS").value_or(""), 16);
  pci.place = PlaceOf(device.name());
  pci.vendor.id = Number<unsigned>(device.Attribute("vendor").value_or("0"), 16);
  pci.product.id = Number<unsigned>(device.Attribute("device").value_or("0"), 16);
  AddFunctions(device, capability);
  // As libvirt has it: who is not root is told none of this.
  bool privileged = geteuid() == 0;
  host::PciConfig config(device.files(), device.path());
  if (privileged) {
    constexpr Ability kBridges[] = {Ability::kPciBridge, Ability::kCardbusBridge};
    unsigned header = config.Byte(0xe) & 0x7f;
    if (header > std::size(kBridges)) throw NotTold();
    if (header > 0) capability.abilities.emplace_back().kind = kBridges[header - 1];
  }
  AddMdevTypes(device, capability);
  if (!full) return;

  auto names = host::FindPciNames(pci.vendor.id, pci.product.id);
  pci.vendor.name = std::move(names.vendor);
  pci.product.name = std::move(names.device);
  if (std::string group = device.files().LinkName(device.path() + "/iommu_group"); !group.empty()) {
    pci.iommu_group.emplace().number = Number<unsigned>(group);
    for (const std::string& member : device.files().NamesAsListed("/sys/kernel/iommu_groups/" + group + "/devices")) {
      pci.iommu_group->devices.push_back(PlaceOf(member));
    }
  }
  if (auto node = device.Attribute("numa_node"); node && Number<int>(*node) >= 0) pci.numa_node = Number<int>(*node);
  unsigned at = privileged ? config.Capability(host::PciConfig::kExpress) : 0;
  if (at) pci.express = ExpressOf(config, at);
  else if (privileged && config.IsExtended()) pci.express.emplace();
}

}  // namespace bv::nodedev
