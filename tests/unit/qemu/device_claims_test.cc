// Who has which device of the host.
#include "qemu/device_claims.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv::qemu {
namespace {

AssignedDevice Device(const std::string& name, std::vector<std::string> group = {}, bool shareable = false) {
  AssignedDevice device;
  device.name = name;
  device.group = std::move(group);
  device.shareable = shareable;
  return device;
}

class DeviceClaimsTest : public testing::Test {
 protected:
  // "" or why not.
  std::string Claim(const std::vector<AssignedDevice>& devices, const DeviceClaims::Owner& owner) {
    try {
      claims_.Claim(devices, owner);
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::kOperationInvalid);
      EXPECT_EQ(error.domain, ErrorDomain::kNone);
      return error.str2;
    }
  }

  DeviceClaims claims_;
  const DeviceClaims::Owner one_{Uuid::Generate(), "one"}, two_{Uuid::Generate(), "two"};
};

TEST_F(DeviceClaimsTest, OneGuestHasADevice) {
  auto usb = Device("USB device 001:002");
  EXPECT_EQ(Claim({usb}, one_), "");
  EXPECT_TRUE(claims_.Has(usb, one_.guest));
  EXPECT_EQ(Claim({usb}, two_), "USB device 001:002 is in use by driver QEMU, domain one");
  EXPECT_FALSE(claims_.Has(usb, two_.guest));
  EXPECT_EQ(Claim({usb}, one_), "USB device 001:002 is in use by driver QEMU, domain one");
  EXPECT_THROW(claims_.CheckFree(usb), Error);
  claims_.Release({usb}, two_.guest);  // not its own
  EXPECT_TRUE(claims_.Has(usb, one_.guest));
  claims_.Release({usb}, one_.guest);
  claims_.CheckFree(usb);
  EXPECT_EQ(Claim({usb}, two_), "");
}

TEST_F(DeviceClaimsTest, AllOrNone) {
  auto free = Device("PCI device 0000:01:00.0"), taken = Device("PCI device 0000:02:00.0");
  EXPECT_EQ(Claim({taken}, one_), "");
  EXPECT_EQ(Claim({free, taken}, two_), "PCI device 0000:02:00.0 is in use by driver QEMU, domain one");
  claims_.CheckFree(free);
}

TEST_F(DeviceClaimsTest, AGroupGoesToOneGuest) {
  std::vector<std::string> group = {"PCI device 0000:03:00.0", "PCI device 0000:03:00.1"};
  auto first = Device(group[0], group), second = Device(group[1], group);
  EXPECT_EQ(Claim({first}, one_), "");
  EXPECT_EQ(Claim({second}, two_), "PCI device 0000:03:00.0 is in use by driver QEMU, domain one");
  EXPECT_EQ(Claim({second}, one_), "");
}

TEST_F(DeviceClaimsTest, SomeAreShared) {
  auto shared = Device("SCSI device 0:0:0:0", {}, true), alone = Device("SCSI device 0:0:0:0");
  EXPECT_EQ(Claim({shared}, one_), "");
  EXPECT_EQ(Claim({alone}, two_), "SCSI device 0:0:0:0 is already in use by other domain(s) as 'shareable'");
  EXPECT_EQ(Claim({shared}, two_), "");
  claims_.Release({shared}, one_.guest);
  EXPECT_TRUE(claims_.Has(shared, two_.guest));
}

}  // namespace
}  // namespace bv::qemu
