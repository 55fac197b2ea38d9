#include "qemu/command_line/native.h"

#include "qemu/command_line/prepare.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/pci_addresses.h"

namespace bv::qemu {

void PrepareNative(model::DomainDef& def, const QemuCaps& caps, const QemuConfig& config, BuildOptions& options) {
  options.standalone = true;
  MakeInterfacesGeneric(&def, options);
  AssignPciAddresses(def, false);
  AssignAliases(def);
  Prepare(&def, caps, config, options);
}

}  // namespace bv::qemu
