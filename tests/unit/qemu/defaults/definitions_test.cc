// Definitions as a client makes them, row by row: what is refused and how, and what the rest becomes.
// Every answer was asked of libvirt 9.0.
#include <gtest/gtest.h>

#include "base/error.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/validate.h"
#include "qemu/migratable.h"
#include "unit/qemu/recorded_caps.h"

namespace bv::qemu {
namespace {

using namespace model;

DomainDef Define(std::string_view machine, std::string_view devices, unsigned flags = kParseInactive | kParseAbiUpdate,
                 std::string_view part = "") {
  std::string xml = "<domain type='kvm'><name>p</name><memory unit='MiB'>1024</memory><vcpu>4</vcpu><os><type arch='x86_64' machine='";
  xml.append(machine).append("'>hvm</type></os>").append(part).append("<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>").append(devices).append("</devices></domain>");
  DomainDef def = ParseDomain(xml, flags | kParseSkipChecks);
  CompleteDomain(def, flags);
  auto caps = RecordedCaps();
  QemuConfig config;
  config.dirs = QemuDirs::Make(true, "/etc/libvirt", "/run/libvirt", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt");
  PostParse(def, *caps, config);
  ValidateDomain(def, *caps, config);
  return def;
}

struct Refused {
  const char* devices;
  ErrorCode code;
  ErrorDomain domain;
  const char* machine = "pc";
};

constexpr auto kUnsupported = ErrorCode::kConfigUnsupported;
constexpr auto kInternal = ErrorCode::kInternalError;
constexpr auto kXml = ErrorCode::kXmlError;

constexpr Refused kRefused[] = {
    {"<disk type='file' device='disk'><source file='/x'/><target bus='virtio'/></disk>", ErrorCode::kNoTarget, ErrorDomain::kDomain},
    {"<disk type='file' device='disk'><source file='/x'/><target dev='' bus='virtio'/></disk>", kInternal, ErrorDomain::kDomain},
    // Addresses.
    {"<disk type='block' device='disk'><source dev='/dev/x'/><target dev='sda' bus='scsi'/><address type='drive' controller='4000000000'/></disk>", kInternal, ErrorDomain::kDomain},
    {"<controller type='pci' index='256' model='pci-bridge'/>", kUnsupported, ErrorDomain::kDomain},
    {"<controller type='usb' index='4000000000' model='nec-xhci'/>", kXml, ErrorDomain::kDomain},
    {"<rng model='virtio'><backend model='random'>/dev/urandom</backend><address type='virtio-serial' controller='3' port='1'/></rng>", kXml, ErrorDomain::kDomain},
    {"<hostdev mode='subsystem' type='pci'><source startupPolicy='optional'><address bus='2'/></source></hostdev>", kUnsupported, ErrorDomain::kDomain},
    {"<video><model type='cirrus'><resolution x='800' y='600'/></model></video>", kXml, ErrorDomain::kQemu},
    {"<hostdev mode='subsystem' type='usb'><source><address bus='1' device='1'/></source><address type='ccid' controller='0'/></hostdev>", kUnsupported, ErrorDomain::kDomain},
    {"<interface type='hostdev'><source><address type='pci' bus='2'/></source><address type='isa'/></interface>", kInternal, ErrorDomain::kDomain},
    {"<input type='tablet' bus='usb'><address type='isa'/></input>", kXml, ErrorDomain::kDomain},
    {"<input type='passthrough' bus='virtio' model='virtio-transitional'><source evdev='/dev/input/event0'/></input>", kUnsupported, ErrorDomain::kQemu},
    {"<memballoon model='xen'/>", kInternal, ErrorDomain::kDomain},
    {"<memballoon model='xen'><address type='isa'/></memballoon>", kUnsupported, ErrorDomain::kQemu},
    // Devices by themselves come before what they have in common.
    {"<audio id='1' type='none'/><audio id='1' type='none'/><memballoon model='xen'><address type='isa'/></memballoon>", kUnsupported, ErrorDomain::kQemu},
    {"<interface type='user'><address/></interface>", kInternal, ErrorDomain::kDomain},
    {"<interface type='user'><address type='x'/></interface>", kUnsupported, ErrorDomain::kDomain},
    {"<interface type='user'><address type='unassigned'/></interface>", kUnsupported, ErrorDomain::kDomain},
    {"<interface type='user'><address type='ccw'/></interface>", kUnsupported, ErrorDomain::kQemu},
    {"<interface type='user'><address type='drive' bus='3'/></interface>", kInternal, ErrorDomain::kQemu},
    {"<disk type='file'><source file='/x'/><target dev='hda' bus='ide'/><address type='drive' controller='1'/></disk>", kInternal, ErrorDomain::kQemu},
    {"<disk type='file'><source file='/x'/><target dev='hda' bus='ide'/><address type='drive' target='1'/></disk>", kUnsupported, ErrorDomain::kQemu},
    {"<disk type='file'><source file='/x'/><target dev='sda' bus='scsi'/><address type='drive' target='1'/></disk>", kUnsupported, ErrorDomain::kQemu},
    {"<disk type='file'><source file='/x'/><target dev='sda' bus='sata'/><address type='drive' bus='1'/></disk>", kUnsupported, ErrorDomain::kQemu, "q35"},
    {"<disk type='file'><source file='/x'/><target dev='vda' bus='virtio'/><address type='usb'/></disk>", kUnsupported, ErrorDomain::kQemu},
    {"<disk type='file'><source file='/x'/><target dev='sda' bus='usb'/><address type='pci' slot='9'/></disk>", kInternal, ErrorDomain::kQemu},
    // Disks.
    {"<disk type='file'><source file='/x'/><target dev='bogus' bus='virtio'/><address type='pci' slot='9'/></disk>", kInternal, ErrorDomain::kDomain},
    {"<disk type='block'><target dev='vda'/></disk>", ErrorCode::kNoSource, ErrorDomain::kDomain},
    {"<disk type='file'><source file='/x'/></disk>", ErrorCode::kNoTarget, ErrorDomain::kDomain},
    {"<disk type='dir' device='floppy'><source dir='/x'/><target dev='fda'/></disk>", kUnsupported, ErrorDomain::kQemu},
    {"<disk type='network'><source protocol='nbd' name='x'><host name='h'/><auth username='u'><secret type='ceph' usage='x'/></auth></source>"
     "<target dev='vda'/></disk>", kUnsupported, ErrorDomain::kDomain},
    // Controllers.
    {"<controller type='ide' index='1'/>", kUnsupported, ErrorDomain::kQemu},
    {"<controller type='ide' index='0'/>", kUnsupported, ErrorDomain::kQemu, "q35"},
    {"<controller type='scsi' model='buslogic'/>", kUnsupported, ErrorDomain::kQemu},
    {"<controller type='xenbus'/>", kInternal, ErrorDomain::kDomain},
    {"<controller type='usb' model='ehci' index='1'/><controller type='usb' model='ehci' index='1'/>", kXml, ErrorDomain::kDomain},
    // Character devices.
    {"<serial type='pty'><address type='pci'/></serial>", kUnsupported, ErrorDomain::kQemu},
    {"<serial type='nmdm'><source master='/a'/></serial>", kInternal, ErrorDomain::kDomain},
    {"<serial type='pty'><target type='usb-serial'><model name='pl011'/></target></serial>", kUnsupported, ErrorDomain::kQemu},
    {"<channel type='unix'><source mode='connect' path='/var/lib/libvirt/qemu/channel/target/domain-1/asdf'>"
     "<reconnect enabled='yes' timeout='10'/></source><target type='virtio' name='asdf'/></channel>", kInternal, ErrorDomain::kDomain},
    {"<serial type='tcp'/>", kInternal, ErrorDomain::kDomain},
    {"<parallel type='dbus'/>", kUnsupported, ErrorDomain::kDomain},
    {"<serial type='unix'><source mode='client' path='/x'/></serial>", kXml, ErrorDomain::kXml},
    {"<parallel type='spicevmc'/>", kUnsupported, ErrorDomain::kDomain},
    // USB that is not there.
    {"<controller type='usb' model='ich9-uhci1'/>", ErrorCode::kXmlDetail, ErrorDomain::kDomain},
    {"<controller type='usb' model='none'/><hub type='usb'/>", kUnsupported, ErrorDomain::kDomain},
    {"<controller type='usb' model='none'/><input type='tablet' bus='usb'/>", kUnsupported, ErrorDomain::kDomain},
    {"<controller type='usb' model='none'/><smartcard mode='host'/>", kUnsupported, ErrorDomain::kQemu},
    // PCI: boards without any, the board's own places, and buses in order.
    {"", kXml, ErrorDomain::kDomain, "isapc"},
    {"", kXml, ErrorDomain::kDomain, "no-such-board"},
    {"<watchdog model='i6300esb'><address type='pci' slot='1'/></watchdog>", kXml, ErrorDomain::kDomain},
    {"<controller type='pci' index='1' model='pci-bridge'><address type='pci' bus='1' slot='5'/></controller>", kUnsupported, ErrorDomain::kQemu},
    {"<watchdog model='i6300esb'><address type='pci' slot='1'/></watchdog><serial type='tcp'/>", kXml, ErrorDomain::kDomain},
    // Of which there is one, and names that are one device's.
    {"<memballoon model='virtio'/><memballoon model='virtio'/>", kInternal, ErrorDomain::kDomain},
    {"<vsock/><vsock/>", kXml, ErrorDomain::kDomain},
    {"<redirfilter/><redirfilter/>", kInternal, ErrorDomain::kDomain},
    {"<sound model='ac97'><alias name='ua-x'/></sound><vsock><alias name='ua-x'/></vsock>", kUnsupported, ErrorDomain::kDomain},
    // Networks.
    {"<interface type='vhostuser'><source type='unix' path='/x' mode='client'/><model type='e1000'/></interface>", kInternal, ErrorDomain::kDomain},
    {"<interface type='direct'><source dev='eth0'/><mtu size='1500'/></interface>", kUnsupported, ErrorDomain::kQemu},
    {"<interface type='bridge'><source bridge='br0'/><virtualport type='802.1Qbg'/></interface>", kXml, ErrorDomain::kNet},
    {"<interface type='user'><model type='e1000'/><driver ats='on'/></interface>", kUnsupported, ErrorDomain::kDomain},
    // The rest.
    {"<memory model='dimm'><target><size>1024</size></target></memory>", kUnsupported, ErrorDomain::kQemu},
    {"<panic model='hyperv'><address type='isa'/></panic>", kUnsupported, ErrorDomain::kQemu},
    {"<graphics type='spice' tlsPort='5901'/>", kUnsupported, ErrorDomain::kQemu},
    {"<controller type='virtio-serial'><driver queues='2'/></controller>", kUnsupported, ErrorDomain::kQemu},
    {"<iommu model='virtio'><driver iotlb='on'/></iommu>", kXml, ErrorDomain::kDomain},
    {"<hostdev mode='capabilities' type='storage'><source><block>/dev/sdf1</block></source></hostdev>", kUnsupported, ErrorDomain::kQemu},
    {"<graphics type='rdp'/>", kUnsupported, ErrorDomain::kQemu},
    {"<audio id='1' type='spice'/>", kUnsupported, ErrorDomain::kQemu},
    {"<filesystem type='template'><source name='x'/><target dir='/'/></filesystem>", kUnsupported, ErrorDomain::kQemu},
    {"<filesystem type='mount'><source dir='/x'/><target dir='x'/><boot order='1'/></filesystem>", kUnsupported, ErrorDomain::kDomain},
    {"<input type='passthrough' bus='virtio'><source/></input>", kXml, ErrorDomain::kDomain},
    {"<input type='x' bus='virtio'/>", kUnsupported, ErrorDomain::kDomain},
    {"<input bus='virtio'/>", kInternal, ErrorDomain::kDomain},
    {"<video><model type='cirrus' vgamem='1'/></video>", kUnsupported, ErrorDomain::kDomain},
    // Values that mean nothing: which error it is depends on which generation of libvirt's code reads them.
    {"<redirdev type='unix' bus='x'><source path='/x'/></redirdev>", kUnsupported, ErrorDomain::kDomain},
    {"<redirdev/>", kInternal, ErrorDomain::kDomain},
    {"<rng><backend model='random'/></rng>", kXml, ErrorDomain::kDomain},
    {"<rng model='x'><backend model='random'/></rng>", kUnsupported, ErrorDomain::kDomain},
    {"<rng model='virtio'><backend/></rng>", kXml, ErrorDomain::kDomain},
    {"<rng model='virtio'><rate bytes='x'/><backend model='random'/></rng>", kXml, ErrorDomain::kDomain},
    {"<input type='mouse' bus='x'/>", kUnsupported, ErrorDomain::kDomain},
    {"<hub/>", kInternal, ErrorDomain::kDomain},
    {"<hub type='x'/>", kUnsupported, ErrorDomain::kDomain},
    {"<sound model='ich6'><codec/></sound>", kUnsupported, ErrorDomain::kDomain},
    {"<watchdog model='x'/>", kUnsupported, ErrorDomain::kDomain},
    {"<interface type='bridge'><source/></interface>", kXml, ErrorDomain::kXml},
    {"<interface type='mcast'><source port='1'/></interface>", kXml, ErrorDomain::kXml},
    {"<interface type='server'><source port='x'/></interface>", kXml, ErrorDomain::kXml},
    {"<interface type='direct'><source dev='e'/><virtualport type='x'/></interface>", kUnsupported, ErrorDomain::kNone},
    {"<interface type='network'><source network='d'/><bandwidth><inbound average='x'/></bandwidth></interface>", kUnsupported, ErrorDomain::kNone},
    {"<hostdev mode='subsystem'><source/></hostdev>", kXml, ErrorDomain::kDomain},
    {"<hostdev mode='subsystem' type='scsi_host'><source/></hostdev>", kXml, ErrorDomain::kDomain},
    {"<disk type='network'><source protocol='nbd'><host name='h' transport='x'/></source><target dev='vda'/></disk>", kUnsupported, ErrorDomain::kDomain},
    {"<disk type='file' snapshot='x'><source file='/x'/><target dev='vda'/></disk>", kXml, ErrorDomain::kXml},
    {"<graphics type='vnc' port='x'/>", kInternal, ErrorDomain::kDomain},
    {"<graphics type='spice' port='x'/>", kXml, ErrorDomain::kXml},
    {"<graphics type='spice'><gl/></graphics>", kXml, ErrorDomain::kXml},
    {"<tpm model='tpm-tis'><backend type='external'><source type='file' path='/x'/></backend></tpm>", kXml, ErrorDomain::kDomain},
    {"<panic model='x'><address type='pci' slot='x'/></panic>", kXml, ErrorDomain::kXml},
    {"<disk type='file'><source file='/x'/><target dev='vda'/><boot order='1'/></disk>"
     "<disk type='file'><source file='/y'/><target dev='vdb'/><boot order='1'/></disk>", kUnsupported, ErrorDomain::kDomain},
};

struct RefusedPart {
  const char* part;  // beside <devices>
  ErrorCode code;
  ErrorDomain domain;
};
constexpr RefusedPart kRefusedParts[] = {
    {"<cputune><vcpupin vcpu='0' cpuset=''/></cputune>", ErrorCode::kInvalidArg, ErrorDomain::kNone},
    {"<cputune><vcpupin vcpu='x' cpuset='0'/></cputune>", kXml, ErrorDomain::kXml},
    {"<cpu><numa><cell id='0' cpus='x' memory='1'/></numa></cpu>", ErrorCode::kInvalidArg, ErrorDomain::kNone},
    {"<numatune><memory mode='x' nodeset='0'/></numatune>", kUnsupported, ErrorDomain::kDomain},
    {"<on_crash>x</on_crash>", kUnsupported, ErrorDomain::kDomain},
    {"<clock offset='absolute'/>", kInternal, ErrorDomain::kDomain},
    {"<genid>x</genid>", kInternal, ErrorDomain::kDomain},
    {"<sysinfo type='x'/>", kXml, ErrorDomain::kXml},
    {"<vcpus><vcpu id='0' enabled='no' hotpluggable='no'/></vcpus>", kUnsupported, ErrorDomain::kQemu},
    {"<vcpus><vcpu id='0' enabled='yes'/><vcpu id='1' enabled='no' hotpluggable='no'/></vcpus>", kXml, ErrorDomain::kDomain},
};

TEST(Definition, IsRefusedAsLibvirtDoes) {
  for (const Refused& row : kRefused) {
    SCOPED_TRACE(row.devices);
    try {
      Define(row.machine, row.devices);
      ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code, row.code) << e.message;
      EXPECT_EQ(e.domain, row.domain) << e.message;
    }
  }
}

TEST(Definition, HasPartsThatAreRefusedAsLibvirtDoes) {
  for (const RefusedPart& row : kRefusedParts) {
    SCOPED_TRACE(row.part);
    try {
      Define("pc", "", kParseInactive | kParseAbiUpdate, row.part);
      ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code, row.code) << e.message;
      EXPECT_EQ(e.domain, row.domain) << e.message;
    }
  }
}

struct Becomes {
  const char* devices;
  const char* part;  // of the definition's XML
  const char* machine = "pc";
};
constexpr Becomes kBecomes[] = {
    {"<graphics type='vnc' socket='/s'><listen type='address' address='0.0.0.0'/></graphics>", "<listen type='socket' socket='/s'/>"},
    {"<graphics type='vnc' socket='/s'><listen type='none'/></graphics>", "<listen type='none'/>"},
    {"<graphics type='vnc' autoport='no'/>", "<graphics type='vnc' autoport='no'>"},
    {"<vsock><cid address='5'/></vsock>", "<cid auto='no' address='5'/>"},
    {"<vsock/>", "<cid auto='yes'/>"},
    {"<panic model='isa'><address type='isa' iobase='505'/></panic>", "<address type='isa' iobase='0x505'/>"},
    {"<interface type='udp'><source address='1.1.1.1' port='0'><local address='1.1.1.2' port='-1'/></source></interface>",
     "<source address='1.1.1.1' port='0'>"},
    {"<video><model type='virtio' heads='0' primary='yes'/></video>", "<model type='virtio' primary='yes'/>"},
    {"<disk type='block' device='cdrom'><target dev='hdc'/></disk>", "<disk type='file' device='cdrom'>"},
    {"<input type='tablet'/>", "<input type='tablet' bus='usb'>"},
    {"<controller type='scsi' model='ibmvscsi'/>", "<address type='spapr-vio' reg='0x00002000'/>"},
    {"<controller type='pci' index='1' model='pci-bridge'><address type='pci' slot='5'/></controller>", "slot='0x05'", "q35"},
    {"<serial type='pty'><target port='-1'/></serial>", "<target type='isa-serial' port='0'>"},
    {"<disk device='disk'><source file='/x'/><target dev='vda'/></disk>", "<disk type='file' device='disk'>"},
    {"<memballoon model='none'><address type='pci' slot='7'/></memballoon>", "<memballoon model='none'/>"},
    {"<controller type='scsi' index='0' model='virtio-scsi'/><disk type='block' device='disk'><source dev='/dev/x'/><target dev='sda' bus='scsi'/>"
     "<address type='drive' controller='1'/></disk>", "<controller type='scsi' index='1' model='lsilogic'>"},
    {"<interface type='user'><boot order='1' loadparm='c'/></interface>", "loadparm='C'"},
    {"<hostdev mode='subsystem' type='pci'><source><address bus='2' multifunction='on'/></source></hostdev>",
     "<address domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>"},
    {"<filesystem accessmode='mapped' fmode='0'><source dir='/x'/><target dir='x'/></filesystem>", "<filesystem type='mount' accessmode='mapped'>"},
    {"<memballoon model='none' autodeflate='off'><stats period='2'/></memballoon>", "<memballoon model='none' autodeflate='off'>\n      <stats period='2'/>"},
    {"<vsock model='virtio-transitional'><address type='pci' bus='2' slot='9'/></vsock>", "model='pcie-to-pci-bridge'", "q35"},
    {"<graphics type='spice'/><graphics type='vnc'/>", "<audio id='1' type='none'/>"},
    {"<graphics type='vnc'/><graphics type='spice'/>", "<audio id='1' type='spice'/>"},
    {"<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/></source></hostdev>",
     "<controller type='scsi' index='0' model='lsilogic'>"},
};
TEST(Definition, BecomesWhatLibvirtMakesOfIt) {
  for (const Becomes& row : kBecomes) {
    SCOPED_TRACE(row.devices);
    std::string xml = FormatDomain(Define(row.machine, row.devices), kFormatInactive | kFormatSecure);
    EXPECT_NE(xml.find(row.part), std::string::npos) << xml;
  }
}

TEST(Definition, MigratesWithoutWhatEveryDaemonAdds) {
  std::string xml = MigratableXml(Define("pc", ""));
  for (const char* left_out : {"piix3-uhci", "pci-root", "<audio", "type='keyboard'"}) EXPECT_EQ(xml.find(left_out), std::string::npos) << left_out;
  EXPECT_NE(xml.find("type='mouse'"), std::string::npos);
  xml = MigratableXml(Define("pc", "<controller type='pci' index='1' model='pci-bridge'/><audio id='2' type='none'/>"));
  EXPECT_NE(xml.find("pci-root"), std::string::npos);
  EXPECT_NE(xml.find("<audio id='2'"), std::string::npos);
}

// A port's kind is often known only later; what is on disk is read back whatever its number.
TEST(Definition, NewIsaPortsAreFourAndTakenOnce) {
  constexpr char kFifth[] = "<serial type='pty'><target type='isa-serial' port='4'/></serial>";
  constexpr char kTwice[] =
      "<serial type='pty'><target type='isa-serial' port='1'/></serial><serial type='pty'><target type='isa-serial' port='1'/></serial>";
  for (const char* devices : {kFifth, kTwice}) {
    EXPECT_THROW(Define("pc", devices, kParseInactive | kParseAbiUpdate), Error) << devices;
    EXPECT_NO_THROW(Define("pc", devices, kParseInactive)) << devices;
  }
}

TEST(Definition, MigratesSocketsThatHaveNoPlaceYet) {
  constexpr char kListen[] = "<graphics type='vnc'><listen type='socket'/></graphics>";
  constexpr char kPlaced[] = "<graphics type='vnc'><listen type='socket' socket='/s'/></graphics>";
  EXPECT_NE(MigratableXml(Define("pc", kListen)).find("<listen type='socket'/>"), std::string::npos);
  EXPECT_EQ(MigratableXml(Define("pc", kPlaced)).find("<listen"), std::string::npos);
}

TEST(Definition, IsHeldAgainstTheSchema) {
  auto refused = [](const char* devices, const char* place) {
    SCOPED_TRACE(devices);
    try {
      Define("pc", devices, kParseInactive | kParseValidate);
      ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code, ErrorCode::kXmlInvalidSchema);
      EXPECT_EQ(e.domain, ErrorDomain::kXml);
      EXPECT_NE(e.message.find(place), std::string::npos) << e.message;
    }
  };
  refused("<video><model type='cirrus' vram='x'/></video>", "/domain/devices/video/model");
  refused("<sound/>", "/domain/devices/sound");
  refused("<sound model='ac97' colour='red'/>", "colour");
  refused("<sound model='noise'/>", "noise");
  refused("<vsock><address type='pci' slot='5' port='1'/></vsock>", "port");
  refused("<vsock><cid auto='yes'/><cid auto='no'/></vsock>", "/domain/devices/vsock/cid");
  refused("<tpm/>", "backend");
  refused("<sound model='ac97'>text</sound>", "text");
  refused("<disk type='file'><source file='/a'/></disk>", "target");
  refused("<disk type='file'><driver name='qemu' speed='fast'/><target dev='vda'/></disk>", "speed");
  refused("<disk type='file'><target dev='vda' bus='virtio'/><boot order='0'/></disk>", "order");
  refused("<interface type='user'><mac address='52:54:00:00:00:01' colour='red'/></interface>", "colour");
  refused("<interface><source bridge='br0'/></interface>", "type");

  // What only the guest as a whole can tell is not the schema's business, nor what numbers mean.
  auto passes_schema = [](const char* devices, ErrorCode code) {
    SCOPED_TRACE(devices);
    try {
      Define("pc", devices, kParseInactive | kParseValidate);
      ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code, code) << e.message;
    }
  };
  passes_schema("<controller type='usb' model='none'/><hub type='usb'/>", kUnsupported);
  passes_schema("<audio id='0' type='none'>\n  </audio>", ErrorCode::kXmlError);
  passes_schema("<sound model='ac97'><acpi index='0'/></sound>", ErrorCode::kXmlError);
  passes_schema("<rng model='virtio'><backend model='random'/><address type='dimm'/></rng>", ErrorCode::kXmlError);
  passes_schema("<vsock><address type='ccw' cssid='0xfe' ssid='0' devno='0'/></vsock>", kUnsupported);
}

}  // namespace
}  // namespace bv::qemu
