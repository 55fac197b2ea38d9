// Domain capabilities of the recorded QEMU, against what libvirt 9.0 printed for the same binary; <cpu>
// is left out since it depends on the host that the test runs on.
#include "qemu/domain_capabilities.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "unit/qemu/recorded_caps.h"

namespace bv::qemu {
namespace {

std::string Format(std::string_view machine, HostAbilities host = {}) {
  auto caps = RecordedCaps();
  return FormatDomainCapabilities(*caps, *caps->FindMachine(machine), "x86_64", Accelerator::kKvm, host);
}

TEST(DomainCapabilitiesTest, DevicesAndFeaturesAreLibvirts) {
  std::string path = __FILE__;
  path.replace(path.rfind("capabilities/"), std::string::npos, "data/domain-capabilities-q35.xml");
  std::string text = Format("q35");
  text.erase(0, text.find("  <memoryBacking"));
  EXPECT_EQ(text, ReadFile(path));
}

TEST(DomainCapabilitiesTest, TheHeadNamesTheMachineAndTheLimitOfCpus) {
  EXPECT_TRUE(Format("q35").starts_with("<domainCapabilities>\n"
                                        "  <path>/usr/bin/qemu-system-x86_64</path>\n"
                                        "  <domain>kvm</domain>\n"
                                        "  <machine>pc-q35-7.2</machine>\n"
                                        "  <arch>x86_64</arch>\n"
                                        "  <vcpu max='288'/>\n"
                                        "  <iothreads supported='yes'/>\n"));
  EXPECT_NE(Format("q35", {.kvm_max_vcpus = 100}).find("<vcpu max='100'/>"), std::string::npos);
}

TEST(DomainCapabilitiesTest, OnlyTheOldBoardHasIde) {
  EXPECT_NE(Format("pc").find("<value>ide</value>"), std::string::npos);
  EXPECT_EQ(Format("q35").find("<value>ide</value>"), std::string::npos);
  EXPECT_EQ(Format("isapc").find("<value>ide</value>"), std::string::npos);
}

TEST(DomainCapabilitiesTest, TheHostDecidesAboutPassthroughAndFirmware) {
  std::string text = Format("q35", {.vfio = true, .swtpm = true, .firmware = {.images = {"/fw.fd"}, .types = {"efi"}}});
  EXPECT_NE(text.find("<enum name='pciBackend'>\n        <value>default</value>\n        <value>vfio</value>"), text.npos);
  EXPECT_NE(text.find("<enum name='backendVersion'>"), text.npos);
  EXPECT_NE(text.find("<value>/fw.fd</value>"), text.npos);
  EXPECT_NE(text.find("<enum name='firmware'>\n      <value>efi</value>"), text.npos);
}

}  // namespace
}  // namespace bv::qemu
