#include "qemu/vcpu_slots.h"

#include <gtest/gtest.h>

namespace bv::qemu {
namespace {

TEST(VcpuSlots, AreNumberedByTheirPlace) {
  auto slots = ReadVcpuSlots(Json::Parse(R"([
    {"props":{"socket-id":1,"core-id":0,"thread-id":0},"vcpus-count":1,"type":"qemu64-x86_64-cpu"},
    {"props":{"socket-id":0,"core-id":1,"thread-id":0},"vcpus-count":1,"type":"qemu64-x86_64-cpu"},
    {"props":{"socket-id":0,"core-id":0,"thread-id":0},"vcpus-count":1,"qom-path":"/machine/unattached/device[0]","type":"qemu64-x86_64-cpu"}])"));
  ASSERT_EQ(slots.size(), 3u);
  EXPECT_EQ(slots[0].qom_path, "/machine/unattached/device[0]");
  EXPECT_EQ(slots[1].plug.Dump(), R"({"socket-id":0,"core-id":1,"thread-id":0,"driver":"qemu64-x86_64-cpu"})");
  EXPECT_EQ(slots[2].plug["socket-id"].AsInt(), 1);
}

TEST(VcpuSlots, PluggedOnesComeInTheOrderTheyWantAfterThoseOfTheStart) {
  using model::YesNo;
  model::VcpuSettings settings;
  settings.max = 4;
  settings.vcpus = {{.enabled = YesNo::kYes, .hotpluggable = YesNo::kNo},
                    {.enabled = YesNo::kYes, .hotpluggable = YesNo::kYes, .order = 3},
                    {.enabled = YesNo::kNo, .hotpluggable = YesNo::kYes},
                    {.enabled = YesNo::kYes, .hotpluggable = YesNo::kYes, .order = 2}};
  EXPECT_EQ(VcpusToPlugAtStart(settings), (std::vector<unsigned>{3, 1}));
  NumberVcpus(settings);
  EXPECT_EQ(settings.vcpus[0].order, 1u);
  EXPECT_EQ(settings.vcpus[3].order, 2u);
  EXPECT_EQ(settings.vcpus[1].order, 3u);
}

}  // namespace
}  // namespace bv::qemu
