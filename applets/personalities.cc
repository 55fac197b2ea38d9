#include <algorithm>

#include "drivers.h"
#include "daemon/personality.h"

namespace bv {

namespace {

constexpr ServerKind kDriver = ServerKind::kDriver;

constexpr Personality kPersonalities[] = {
    {"libvirtd", "management", "guests, networks, storage, secrets, filters and host devices, all in one daemon",
     ServerKind::kMonolithic, true, &AddLibvirtdDrivers,
     "firewalld.service iptables.service ip6tables.service iscsid.service apparmor.service remote-fs.target "
     "systemd-logind.service systemd-machined.service xencommons.service",
     "xendomains.service"},
    {"virtbhyved", "bhyve management", "bhyve guests", kDriver, false, &AddVirtbhyvedDrivers},
    {"virtinterfaced", "host interface management", "the network interfaces of the host", kDriver, false,
     &AddVirtinterfacedDrivers},
    {"virtlockd", "lock management", "the leases on the disks of running guests", ServerKind::kLock, true,
     &AddVirtlockdDrivers},
    {"virtlogd", "log management", "the console logs of guests", ServerKind::kLog, true, &AddVirtlogdDrivers},
    {"virtlxcd", "LXC management", "Linux containers", kDriver, false, &AddVirtlxcdDrivers,
     "systemd-machined.service"},
    {"virtnetworkd", "virtual network management", "virtual networks", kDriver, false, &AddVirtnetworkdDrivers,
     "firewalld.service iptables.service ip6tables.service"},
    {"virtnodedevd", "host device management", "the devices of the host", kDriver, false,
     &AddVirtnodedevdDrivers},
    {"virtnwfilterd", "network filter management", "the network filters of guests", kDriver, false,
     &AddVirtnwfilterdDrivers, "firewalld.service iptables.service ip6tables.service"},
    {"virtproxyd", "proxy", "clients that look for libvirtd: it hands their calls to the daemon that serves them",
     ServerKind::kProxy, true, &AddVirtproxydDrivers},
    {"virtqemud", "QEMU management", "QEMU and KVM guests", kDriver, true, &AddVirtqemudDrivers,
     "apparmor.service systemd-logind.service systemd-machined.service remote-fs.target"},
    {"virtsecretd", "secret management", "secret values such as disk passphrases", kDriver, true,
     &AddVirtsecretdDrivers},
    {"virtstoraged", "storage management", "storage pools and volumes", kDriver, true, &AddVirtstoragedDrivers,
     "iscsid.service remote-fs.target"},
    {"virtvboxd", "VirtualBox management", "VirtualBox guests", kDriver, true, &AddVirtvboxdDrivers},
    {"virtxend", "Xen management", "Xen guests", kDriver, false, &AddVirtxendDrivers, "xencommons.service",
     "xendomains.service", "/proc/xen/capabilities"},
};
static_assert(std::ranges::is_sorted(kPersonalities, {}, &Personality::name));

}  // namespace

std::span<const Personality> Personalities() { return kPersonalities; }

const Personality* FindPersonality(std::string_view name) {
  auto found = std::ranges::lower_bound(kPersonalities, name, {}, &Personality::name);
  return found != std::end(kPersonalities) && found->name == name ? found : nullptr;
}

}  // namespace bv
