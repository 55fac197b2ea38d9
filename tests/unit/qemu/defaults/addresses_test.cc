// The places of a guest's devices are ABI: they must come out as libvirt's own, and must not move once
// they are there. The expected places were read off the original.
#include <gtest/gtest.h>

#include "base/error.h"
#include "qemu/defaults/controllers.h"
#include "qemu/defaults/defaults.h"
#include "qemu/defaults/drive_addresses.h"
#include "qemu/defaults/pci_addresses.h"
#include "qemu/defaults/pci_bus.h"
#include "qemu/defaults/serial_addresses.h"
#include "qemu/defaults/usb_addresses.h"

namespace bv::qemu {
namespace {

using namespace model;

DomainDef Board(const char* machine) {
  DomainDef def;
  def.os.arch = "x86_64";
  def.os.machine = machine;
  bool q35 = def.os.machine.find("q35") != std::string::npos;
  EnsureController(def, ControllerType::kPci, 0, q35 ? ControllerModel::kPcieRoot : ControllerModel::kPciRoot);
  if (q35) EnsureController(def, ControllerType::kSata, 0);
  return def;
}

Disk& AddDisk(DomainDef& def, const char* name, DiskBus bus) {
  auto disk = std::make_unique<Disk>();
  disk->dst = name;
  disk->bus = bus;
  def.disks.push_back(std::move(disk));
  return *def.disks.back();
}

Interface& AddNet(DomainDef& def, const char* model) {
  def.interfaces.push_back(std::make_unique<Interface>());
  def.interfaces.back()->model = model;
  return *def.interfaces.back();
}

std::string PlaceOf(const DeviceInfo& info) { return FormatPciPlace(info.address.pci); }

template <typename F>
void ExpectError(ErrorCode code, F f) {
  try {
    f();
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code, code) << e.what();
    EXPECT_EQ(e.domain, ErrorDomain::kDomain);
  }
}

TEST(PciAddressTest, I440fxHasItsBuiltinPlaces) {
  DomainDef def = Board("pc-i440fx-7.2");
  EnsureController(def, ControllerType::kUsb, 0, ControllerModel::kPiix3Uhci);
  EnsureController(def, ControllerType::kIde, 0);
  def.videos.push_back(std::make_unique<Video>());
  def.videos[0]->type = VideoType::kCirrus;
  def.memballoon = std::make_unique<Memballoon>();
  Interface& net = AddNet(def, "rtl8139");
  AssignPciAddresses(def, true);
  EXPECT_EQ(PlaceOf(FindController(def, ControllerType::kUsb, 0)->info), "0000:00:01.2");
  EXPECT_EQ(PlaceOf(FindController(def, ControllerType::kIde, 0)->info), "0000:00:01.1");
  EXPECT_EQ(PlaceOf(def.videos[0]->info), "0000:00:02.0");
  EXPECT_EQ(PlaceOf(net.info), "0000:00:03.0");
  EXPECT_EQ(PlaceOf(def.memballoon->info), "0000:00:04.0");
}

TEST(PciAddressTest, Q35GetsPortsForItsDevicesAndOneMore) {
  DomainDef def = Board("pc-q35-7.2");
  Interface& net = AddNet(def, "virtio");
  Disk& disk = AddDisk(def, "vda", DiskBus::kVirtio);
  AssignPciAddresses(def, true);
  EXPECT_EQ(PlaceOf(FindController(def, ControllerType::kSata, 0)->info), "0000:00:1f.2");
  EXPECT_EQ(PlaceOf(net.info), "0000:01:00.0");
  EXPECT_EQ(PlaceOf(disk.info), "0000:02:00.0");
  ASSERT_NE(FindController(def, ControllerType::kPci, 3), nullptr);
  EXPECT_EQ(FindController(def, ControllerType::kPci, 4), nullptr);
  Controller& port = *FindController(def, ControllerType::kPci, 1);
  EXPECT_EQ(port.model, ControllerModel::kPcieRootPort);
  EXPECT_EQ(PlaceOf(port.info), "0000:00:01.0");
  EXPECT_EQ(port.info.address.pci.multifunction, OnOff::kOn);
  EXPECT_EQ(port.pci.chassis, 1u);
  EXPECT_EQ(port.pci.port, 8u);
}

TEST(PciAddressTest, LegacyDeviceOnQ35GetsABridgeBehindAPort) {
  DomainDef def = Board("pc-q35-7.2");
  Interface& net = AddNet(def, "rtl8139");
  AssignPciAddresses(def, true);
  EXPECT_EQ(FindController(def, ControllerType::kPci, 1)->model, ControllerModel::kPcieRootPort);
  EXPECT_EQ(FindController(def, ControllerType::kPci, 2)->model, ControllerModel::kPcieToPciBridge);
  EXPECT_EQ(PlaceOf(FindController(def, ControllerType::kPci, 2)->info), "0000:01:00.0");
  EXPECT_EQ(PlaceOf(net.info), "0000:02:01.0");
}

TEST(PciAddressTest, PlacesStayWhereTheyAre) {
  DomainDef def = Board("pc-q35-7.2");
  for (int i = 0; i < 12; ++i) AddNet(def, i % 3 ? "virtio" : "e1000");
  AssignPciAddresses(def, true);
  std::vector<std::string> before, after;
  for (auto& net : def.interfaces) before.push_back(PlaceOf(net->info));
  auto controllers = def.controllers.size();
  AssignPciAddresses(def, false);
  for (auto& net : def.interfaces) after.push_back(PlaceOf(net->info));
  EXPECT_EQ(before, after);
  EXPECT_EQ(def.controllers.size(), controllers);
}

TEST(PciAddressTest, TwoDevicesInOnePlaceAreRefused) {
  DomainDef def = Board("pc-i440fx-7.2");
  for (int i = 0; i < 2; ++i) {
    Interface& net = AddNet(def, "rtl8139");
    net.info.address.type = AddressType::kPci;
    net.info.address.pci.slot = 5;
  }
  ExpectError(ErrorCode::kXmlError, [&] { AssignPciAddresses(def, true); });
}

TEST(PciAddressTest, MoreThanABusFullOfDevicesAddsBridges) {
  DomainDef def = Board("pc-i440fx-7.2");
  for (int i = 0; i < 40; ++i) AddNet(def, "rtl8139");
  AssignPciAddresses(def, true);
  EXPECT_EQ(FindController(def, ControllerType::kPci, 1)->model, ControllerModel::kPciBridge);
  EXPECT_EQ(def.interfaces.back()->info.address.pci.bus, 1u);
}

TEST(UsbAddressTest, DevicesThatDoNotFitGetAHub) {
  DomainDef def = Board("pc-i440fx-7.2");
  EnsureController(def, ControllerType::kUsb, 0, ControllerModel::kPiix3Uhci);
  for (int i = 0; i < 4; ++i) {
    def.inputs.push_back(std::make_unique<Input>());
    def.inputs.back()->bus = InputBus::kUsb;
  }
  AssignUsbAddresses(def, true);
  ASSERT_EQ(def.hubs.size(), 1u);
  EXPECT_EQ(def.hubs[0]->info.address.usb.port[0], 1u);
  EXPECT_EQ(def.inputs[0]->info.address.usb.port[0], 2u);
  EXPECT_EQ(def.inputs[1]->info.address.usb.port, (std::array<unsigned, 4>{1, 1}));
}

TEST(UsbAddressTest, BusWithoutControllerIsRefused) {
  DomainDef def = Board("pc-i440fx-7.2");
  EnsureController(def, ControllerType::kUsb, 0, ControllerModel::kPiix3Uhci);
  def.inputs.push_back(std::make_unique<Input>());
  def.inputs[0]->bus = InputBus::kUsb;
  def.inputs[0]->info.address.type = AddressType::kUsb;
  def.inputs[0]->info.address.usb.bus = 1;
  ExpectError(ErrorCode::kXmlError, [&] { AssignUsbAddresses(def, true); });
}

TEST(DriveAddressTest, FollowsFromTheTargetName) {
  struct Row {
    const char* name;
    DiskBus bus;
    DriveAddress address;
  };
  for (const Row& row : {Row{"hdc", DiskBus::kIde, {0, 1, 0, 0}}, {"hdf", DiskBus::kIde, {1, 0, 0, 1}},
                         {"sdg", DiskBus::kSata, {1, 0, 0, 0}}, {"sdh", DiskBus::kScsi, {1, 0, 0, 0}},
                         {"sdp", DiskBus::kScsi, {2, 0, 0, 1}}, {"fdb", DiskBus::kFdc, {0, 0, 0, 1}}}) {
    DomainDef def;
    Disk& disk = AddDisk(def, row.name, row.bus);
    AssignDriveAddress(def, disk);
    EXPECT_EQ(disk.info.address.drive, row.address) << row.name;
  }
}

TEST(DriveAddressTest, DiskNames) {
  EXPECT_EQ(DiskNameIndex("vda"), 0u);
  EXPECT_EQ(DiskNameIndex("sdaa"), 26u);
  unsigned partition = 0;
  EXPECT_EQ(DiskNameIndex("vdb3", &partition), 1u);
  EXPECT_EQ(partition, 3u);
  for (const char* bad : {"", "xda", "vd", "vdA", "vda01", "vda1x"}) EXPECT_FALSE(DiskNameIndex(bad)) << bad;
}

TEST(SerialAddressTest, PortZeroIsForConsoles) {
  DomainDef def;
  def.channels.push_back(std::make_unique<Chardev>());
  def.channels[0]->channel_target = ChannelTarget::kVirtio;
  def.consoles.push_back(std::make_unique<Chardev>());
  def.consoles[0]->console_target = ConsoleTarget::kVirtio;
  def.consoles[0]->info.address.type = AddressType::kVirtioSerial;
  EnsureController(def, ControllerType::kVirtioSerial, 0);
  AssignVirtioSerialAddresses(def);
  EXPECT_EQ(def.consoles[0]->info.address.virtio_serial.port, 0u);
  EXPECT_EQ(def.channels[0]->info.address.virtio_serial.port, 1u);
}

TEST(SerialAddressTest, FullControllersGetAnother) {
  DomainDef def;
  EnsureController(def, ControllerType::kVirtioSerial, 0).ports = 2;
  for (int i = 0; i < 2; ++i) {
    def.channels.push_back(std::make_unique<Chardev>());
    def.channels[i]->channel_target = ChannelTarget::kVirtio;
  }
  AssignVirtioSerialAddresses(def);
  EXPECT_EQ(def.channels[1]->info.address.virtio_serial.controller, 1u);
  EXPECT_NE(FindController(def, ControllerType::kVirtioSerial, 1), nullptr);
}

TEST(AliasTest, NamesOfDevices) {
  DomainDef def = Board("pc-q35-7.2");
  Disk& virtio = AddDisk(def, "vdb", DiskBus::kVirtio);
  Disk& sata = AddDisk(def, "sda", DiskBus::kSata);
  AssignDriveAddress(def, sata);
  AddNet(def, "virtio").info.alias = "ua-mine";
  Interface& second = AddNet(def, "virtio");
  AssignAliases(def);
  EXPECT_EQ(virtio.info.alias, "virtio-disk1");
  EXPECT_EQ(sata.info.alias, "sata0-0-0");
  EXPECT_EQ(def.interfaces[0]->info.alias, "ua-mine");
  EXPECT_EQ(second.info.alias, "net0");
  EXPECT_EQ(FindController(def, ControllerType::kPci, 0)->info.alias, "pcie.0");
  EXPECT_EQ(FindController(def, ControllerType::kSata, 0)->info.alias, "ide");
}

}  // namespace
}  // namespace bv::qemu
