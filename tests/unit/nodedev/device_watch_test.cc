// What the kernel and udev broadcast about devices, and what is no such thing.
#include <endian.h>
#include <gtest/gtest.h>

#include <cstring>

#include "nodedev/device_watch.h"

namespace bv::nodedev {
namespace {

using namespace std::string_literals;

const std::string kProperties = "ACTION=move\0DEVPATH=/devices/virtual/net/b\0SUBSYSTEM=net\0DEVPATH_OLD=/devices/virtual/net/a\0"s;

std::string FromUdev(std::uint32_t magic, std::uint32_t at, std::uint32_t size) {
  std::uint32_t numbers[] = {htobe32(magic), 40, at, size};
  std::string bytes = "libudev\0"s + std::string(reinterpret_cast<char*>(numbers), sizeof numbers);
  bytes.resize(40);
  return bytes + kProperties;
}

void ExpectMove(const std::optional<DeviceChange>& change) {
  ASSERT_TRUE(change);
  EXPECT_EQ(change->action, "move");
  EXPECT_EQ(change->path, "/sys/devices/virtual/net/b");
  EXPECT_EQ(change->old_path, "/sys/devices/virtual/net/a");
  EXPECT_EQ(change->subsystem, "net");
}

TEST(DeviceWatch, ReadsTheKernelsAndUdevs) {
  ExpectMove(ParseChange("move@/devices/virtual/net/b\0"s + kProperties, false));
  ExpectMove(ParseChange(FromUdev(0xfeedcafe, 40, static_cast<std::uint32_t>(kProperties.size())), true));
}

TEST(DeviceWatch, RefusesWhatIsNone) {
  auto size = static_cast<std::uint32_t>(kProperties.size());
  EXPECT_FALSE(ParseChange("", false));
  EXPECT_FALSE(ParseChange("add@/x", false));
  EXPECT_FALSE(ParseChange("", true));
  EXPECT_FALSE(ParseChange("move@/devices/virtual/net/b\0"s + kProperties, true));
  EXPECT_FALSE(ParseChange(FromUdev(0xfeedcaff, 40, size), true));
  EXPECT_FALSE(ParseChange(FromUdev(0xfeedcafe, 41, size), true));  // beyond the end
  EXPECT_FALSE(ParseChange(FromUdev(0xfeedcafe, 0xffffffff, 2), true));
  EXPECT_FALSE(ParseChange(FromUdev(0xfeedcafe, 2, 0xffffffff), true));
}

}  // namespace
}  // namespace bv::nodedev
