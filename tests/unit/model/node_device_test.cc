// <device>: documents come back as libvirt writes them, and faults have its codes and words.
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/node_device.h"

namespace bv::model {
namespace {

std::string FaultOf(const std::string& capability) {
  try {
    ParseNodeDevice("<device>" + capability + "</device>", false);
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.code)) + "/" + std::to_string(static_cast<int>(error.domain)) + " " + error.message;
  }
  return "";
}

TEST(NodeDevice, ComesBack) {
  for (const char* capability : {
           "<capability type='system'>\n    <hardware>\n      <uuid>a8e1b5c4-1111-2222-3333-444455556666</uuid>\n    </hardware>\n"
           "    <firmware>\n    </firmware>\n  </capability>",
           "<capability type='ap_matrix'>\n  </capability>",
           "<capability type='mdev'>\n    <type id='t-1'/>\n    <uuid>a8e1b5c4-1111-2222-3333-444455556666</uuid>\n"
           "    <parent_addr>0000:01:00.0</parent_addr>\n    <iommuGroup number='7'/>\n    <attr name='a' value='b'/>\n  </capability>",
           "<capability type='scsi_host'>\n    <host>3</host>\n    <capability type='fc_host'>\n      <wwnn>1</wwnn>\n      <wwpn>2</wwpn>\n"
           "    </capability>\n    <capability type='vport_ops'>\n      <max_vports>127</max_vports>\n      <vports>0</vports>\n"
           "    </capability>\n  </capability>",
           "<capability type='scsi_target'>\n    <target>t</target>\n    <capability type='fc_remote_port'>\n      <rport>r</rport>\n"
           "      <wwpn>0x9</wwpn>\n    </capability>\n  </capability>",
           "<capability type='css'>\n    <cssid>0x0</cssid>\n    <ssid>0x0</ssid>\n    <devno>0x0052</devno>\n    <channel_dev_addr>\n"
           "      <cssid>0x0</cssid>\n      <ssid>0x0</ssid>\n      <devno>0xfffe</devno>\n    </channel_dev_addr>\n  </capability>",
           "<capability type='ap_queue'>\n    <ap-adapter>0x07</ap-adapter>\n    <ap-domain>0x0038</ap-domain>\n  </capability>",
       }) {
    std::string text = "<device>\n  <name>n</name>\n  <parent>computer</parent>\n  " + std::string(capability) + "\n</device>\n";
    EXPECT_EQ(FormatNodeDevice(ParseNodeDevice(text, true)), text);
  }
}

TEST(NodeDevice, FaultsAreLibvirts) {
  EXPECT_EQ(FaultOf(""), "1/22 internal error: no device capabilities for 'new device'");
  EXPECT_EQ(FaultOf("<capability/>"), "27/5 XML error: Missing required attribute 'type' in element 'capability'");
  EXPECT_EQ(FaultOf("<capability type='x'/>"), "27/5 XML error: Invalid value for attribute 'type' in element 'capability': 'x'.");
  EXPECT_EQ(FaultOf("<capability type='pci'/>"), "1/22 internal error: no PCI domain ID supplied for 'new device'");
  EXPECT_EQ(FaultOf("<capability type='pci'><domain>x</domain></capability>"), "1/22 internal error: invalid PCI domain ID supplied for 'new device'");
  EXPECT_EQ(FaultOf("<capability type='mdev'/>"), "67/22 unsupported configuration: missing type id attribute for 'new device'");
  EXPECT_EQ(FaultOf("<capability type='mdev'><type id='t'/><uuid>zz</uuid></capability>"), "1/22 internal error: Invalid uuid 'zz' for new mdev device");
}

TEST(NodeDevice, CountsWhatItCanDo) {
  NodeDevice device;
  device.capability.type = Capability::kScsiHost;
  device.capability.abilities.resize(2);
  device.capability.abilities[0].kind = Ability::kFcHost;
  device.capability.abilities[1].kind = Ability::kVportOps;
  EXPECT_EQ(CapabilityNames(device), (std::vector<std::string>{"scsi_host", "fc_host", "vports"}));
  EXPECT_EQ(CapabilitiesOf(device), Bit(Capability::kScsiHost) | Bit(Capability::kFcHost) | Bit(Capability::kVports));
}

}  // namespace
}  // namespace bv::model
