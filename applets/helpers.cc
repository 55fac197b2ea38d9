#include "helpers.h"

#include "network/leases.h"

namespace bv {

namespace {

constexpr Helper kHelpers[] = {
    {"libvirt-guests", "suspends or shuts down guests at the host's end and starts them again: libvirt-guests COMMAND",
     &RunLibvirtGuests, true},
    {"libvirt_leaseshelper", "keeps the leases of virtual networks; dnsmasq runs it", &network::LeasesHelperMain, true},
    {"supervise", "runs daemons on demand where there is no systemd: supervise [NAME...]", &Supervise},
    {"switch", "changes between one daemon and many: switch modular|monolithic|status [--dry-run]", &Switch},
};

}  // namespace

std::span<const Helper> Helpers() { return kHelpers; }

const Helper* FindHelper(std::string_view name) {
  for (const Helper& helper : Helpers()) {
    if (helper.name == name) return &helper;
  }
  return nullptr;
}

}  // namespace bv
