#include "qemu/device_change.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv::qemu {
namespace {

constexpr const char* kGuest = R"(
<domain type='qemu'><name>g</name><memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'><source file='/a'/><target dev='vda' bus='virtio'/></disk>
    <interface type='user'><mac address='52:54:00:00:00:01'/><address type='pci' domain='0' bus='1' slot='0' function='0'/></interface>
    <interface type='user'><mac address='52:54:00:00:00:01'/><address type='pci' domain='0' bus='2' slot='0' function='0'/></interface>
    <controller type='scsi' index='1'/>
    <channel type='unix'><target type='virtio' name='one'/></channel>
    <input type='tablet' bus='usb'/>
    <rng model='virtio'><backend model='random'>/dev/random</backend></rng>
  </devices></domain>)";

class DeviceChange : public testing::Test {
 protected:
  model::DomainDef guest = model::ParseDomain(kGuest, model::kParseInactive);

  model::DomainDef Device(const char* xml) { return ParseDevice(xml, guest); }
  std::string Refusal(void (*change)(model::DomainDef&, model::DomainDef), const char* xml) {
    try {
      change(guest, Device(xml));
    } catch (const Error& error) {
      return error.message;
    }
    return "accepted";
  }
};

TEST_F(DeviceChange, WhatIsNoDeviceIsRefused) {
  EXPECT_THROW(Device("<disk"), Error);
  EXPECT_THROW(Device("<foo/>"), Error);
  // One element, and not what would end the document around it.
  EXPECT_THROW(Device("<hub type='usb'/></devices><devices>"), Error);
}

TEST_F(DeviceChange, KindsAreNamedAsInMessages) {
  for (auto [xml, kind] : {std::pair("<serial type='pty'/>", "chr"), std::pair("<memballoon model='virtio'/>", "memballoon"),
                           std::pair("<hub type='usb'/>", "hub")}) {
    auto one = Device(xml);
    EXPECT_EQ(DeviceKind(one), kind);
  }
}

TEST_F(DeviceChange, InterfacesAreToldApartByPlaceWhenTheAddressIsNotEnough) {
  constexpr const char* kBoth = "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>";
  EXPECT_NE(Refusal(&DetachFromConfig, kBoth).find("multiple devices matching MAC address 52:54:00:00:00:01 found"), std::string::npos);
  EXPECT_EQ(Refusal(&DetachFromConfig,
                    "<interface type='user'><mac address='52:54:00:00:00:01'/>"
                    "<address type='pci' domain='0' bus='2' slot='0' function='0'/></interface>"),
            "accepted");
  ASSERT_EQ(guest.interfaces.size(), 1u);
  EXPECT_EQ(guest.interfaces[0]->info.address.pci.bus, 1u);
  EXPECT_EQ(Refusal(&DetachFromConfig, kBoth), "accepted");
}

TEST_F(DeviceChange, WhatIsThereIsNotAddedAgain) {
  EXPECT_NE(Refusal(&AttachToConfig, "<disk type='file'><source file='/b'/><target dev='vda'/></disk>").find("target vda already exists"),
            std::string::npos);
  EXPECT_NE(Refusal(&AttachToConfig, "<controller type='scsi' index='1'/>").find("controller index='1' already exists"), std::string::npos);
  EXPECT_NE(Refusal(&AttachToConfig, "<channel type='unix'><target type='virtio' name='one'/></channel>").find("chardev already exists"),
            std::string::npos);
  EXPECT_EQ(Refusal(&AttachToConfig, "<channel type='unix'><target type='virtio' name='two'/></channel>"), "accepted");
  EXPECT_EQ(guest.channels.size(), 2u);
}

TEST_F(DeviceChange, AnUpdateKeepsThePlace) {
  guest.disks[0]->info.address.type = model::AddressType::kPci;
  guest.disks[0]->info.address.pci.bus = 7;
  EXPECT_EQ(Refusal(&UpdateInConfig, "<disk type='file'><source file='/b'/><target dev='vda' bus='virtio'/></disk>"), "accepted");
  EXPECT_EQ(guest.disks[0]->source.path, "/b");
  EXPECT_EQ(guest.disks[0]->info.address.pci.bus, 7u);
}

TEST_F(DeviceChange, OtherSettingsAreAnotherDevice) {
  EXPECT_NE(Refusal(&DetachFromConfig, "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>").find("no matching RNG"),
            std::string::npos);
  EXPECT_EQ(Refusal(&DetachFromConfig, "<rng model='virtio'><backend model='random'>/dev/random</backend></rng>"), "accepted");
  EXPECT_EQ(Refusal(&DetachFromConfig, "<input type='tablet'/>"), "accepted");
  EXPECT_TRUE(guest.rngs.empty() && guest.inputs.empty());
}

}  // namespace
}  // namespace bv::qemu
