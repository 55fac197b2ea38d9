#include "qemu/agent_answers.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv::qemu {
namespace {

model::DomainDef Definition() {
  return model::ParseDomain(R"(<domain type='kvm'><name>a</name><memory>1000</memory><os><type>hvm</type></os><devices>
    <controller type='scsi' index='1'><address type='pci' domain='0' bus='5' slot='0' function='0'/></controller>
    <disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/>
      <address type='pci' domain='0' bus='4' slot='0' function='0'/></disk>
    <disk type='file'><source file='/b'/><target dev='sdb' bus='scsi'/>
      <address type='drive' controller='1' bus='0' target='0' unit='3'/></disk>
    </devices></domain>)", model::kParseInactive);
}

std::string Show(const std::vector<TypedParam>& params) {
  std::string text;
  for (auto& param : params) {
    text += param.field + "=";
    std::visit([&](auto& value) {
      if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) text += value;
      else text += std::to_string(value);
    }, param.value);
    text += ";";
  }
  return text;
}

std::string Info(GuestInfoType type, const char* answer) {
  for (auto& kind : GuestInfoKinds()) {
    if (kind.type == type) return Show(kind.read(Json::Parse(answer), Definition()));
  }
  return "no such kind";
}

TEST(AgentAnswers, DisksAreFoundByTheirPlace) {
  auto list = ReadFsinfo(Json::Parse(R"([
      {"name": "vda1", "mountpoint": "/", "type": "ext4", "disk": [
        {"bus": 0, "unit": 0, "target": 0, "pci-controller": {"domain": 0, "bus": 4, "slot": 0, "function": 0}}]},
      {"name": "sdb", "mountpoint": "/b", "type": "xfs", "disk": [
        {"bus": 0, "unit": 3, "target": 0, "pci-controller": {"domain": 0, "bus": 5, "slot": 0, "function": 0}},
        {"bus": 0, "unit": 4, "target": 0, "pci-controller": {"domain": 0, "bus": 5, "slot": 0, "function": 0}}]}])"),
                         Definition());
  ASSERT_EQ(list.size(), 2u);
  std::swap(list[0], list[1]);  // they come from the last to the first
  EXPECT_EQ(list[0].mountpoint, "/");
  ASSERT_EQ(list[0].dev_aliases.size(), 1u);
  EXPECT_EQ(list[0].dev_aliases[0], "vda");
  ASSERT_EQ(list[1].dev_aliases.size(), 1u);
  EXPECT_EQ(list[1].dev_aliases[0], "sdb");
}

TEST(AgentAnswers, AddressesOfAliasesBelongToTheInterface) {
  auto list = ReadInterfaces(Json::Parse(R"([
      {"name": "eth0", "hardware-address": "52:54:00:00:00:01",
       "ip-addresses": [{"ip-address-type": "ipv4", "ip-address": "10.0.0.1", "prefix": 24}]},
      {"name": "eth0:1", "ip-addresses": [{"ip-address-type": "ipv6", "ip-address": "fe80::1", "prefix": 64}]},
      {"name": "sit0"}])"));
  ASSERT_EQ(list.size(), 2u);
  ASSERT_EQ(list[0].addrs.size(), 2u);
  EXPECT_EQ(list[0].hwaddr, "52:54:00:00:00:01");
  EXPECT_EQ(list[0].addrs[1].type, 1);
  EXPECT_EQ(list[0].addrs[1].prefix, 64u);
  EXPECT_EQ(list[1].hwaddr, std::nullopt);
  EXPECT_TRUE(list[1].addrs.empty());
}

TEST(AgentAnswers, ProcessorsAreSets) {
  auto vcpus = ReadGuestVcpus(Json::Parse(R"([{"logical-id": 0, "online": true, "can-offline": false},
      {"logical-id": 1, "online": true, "can-offline": true}, {"logical-id": 3, "online": false}])"));
  EXPECT_EQ(Show(GuestVcpuParams(vcpus)), "vcpus=0-1,3;online=0-1;offlinable=1;");
  EXPECT_EQ(SetVcpusArguments({{3, true, true}}).Dump(), R"({"vcpus":[{"logical-id":3,"online":true}]})");
}

TEST(AgentAnswers, KindsOfGuestInformation) {
  EXPECT_EQ(Info(kGuestUsers, R"([{"user": "root", "domain": "D", "login-time": 1.5}])"),
            "user.count=1;user.0.name=root;user.0.domain=D;user.0.login-time=1500;");
  EXPECT_EQ(Info(kGuestOs, R"({"kernel-release": "6.1", "id": "debian"})"), "os.id=debian;os.kernel-release=6.1;");
  EXPECT_EQ(Info(kGuestTimezone, R"({"offset": -3600})"), "timezone.offset=-3600;");
  EXPECT_EQ(Info(kGuestHostname, R"({"host-name": "h"})"), "hostname=h;");
  EXPECT_EQ(Info(kGuestFilesystems, R"([{"name": "n", "mountpoint": "/", "type": "ext4", "used-bytes": 5, "disk": []}])"),
            "fs.count=1;fs.0.name=n;fs.0.mountpoint=/;fs.0.fstype=ext4;fs.0.used-bytes=5;fs.0.disk.count=0;");
  EXPECT_EQ(Info(kGuestInterfaces, R"([{"name": "lo"}])"), "if.count=1;if.0.name=lo;if.0.hwaddr=;if.0.addr.count=0;");
}

TEST(AgentAnswers, AnAnswerWithoutItsMembersIsAnError) {
  EXPECT_THROW(Info(kGuestHostname, "{}"), Error);
  EXPECT_THROW(ReadGuestVcpus(Json::Parse(R"([{"online": true}])")), Error);
}

}  // namespace
}  // namespace bv::qemu
