#include "model/host_interface.h"

#include "model/describe/engine.h"
#include "model/host_interface_parts.h"

namespace bv::model {

namespace {
constexpr RowOf<HostLink> kLinkRows[] = {Attr<&HostLink::speed>("speed").SkipZero(), Attr<&HostLink::state>("state")};
}
constinit const Description<HostLink> kHostLink{kLinkRows};

namespace {

using I = HostInterface;

extern const Description<I> kMember;

bool IsEthernet(const I& i) { return i.type == HostInterfaceType::kEthernet; }
bool IsBridge(const I& i) { return i.type == HostInterfaceType::kBridge; }
bool IsNoBridge(const I& i) { return i.type != HostInterfaceType::kBridge; }
bool IsBond(const I& i) { return i.type == HostInterfaceType::kBond; }
bool IsVlan(const I& i) { return i.type == HostInterfaceType::kVlan; }

// What has room for members ends on a line of its own in any case.
template <typename T>
void ReadNothing(Parser&, T&, const xml::Node&) {}
template <typename T>
void EndTag(Formatter& f, const T&) {
  f.out().Verbatim("");
}

constexpr RowOf<MiiMonitor> kMiiRows[] = {
    Attr<&MiiMonitor::frequency>("freq").Required().Always(),
    Attr<&MiiMonitor::down_delay>("downdelay").SkipZero(),
    Attr<&MiiMonitor::up_delay>("updelay").SkipZero(),
    Attr<&MiiMonitor::carrier>("carrier"),
};
constexpr Description<MiiMonitor> kMii{kMiiRows};

constexpr RowOf<ArpMonitor> kArpRows[] = {
    Attr<&ArpMonitor::interval>("interval").Required().Always(),
    Attr<&ArpMonitor::target>("target").Required().Always(),
    Attr<&ArpMonitor::validate>("validate"),
};
constexpr Description<ArpMonitor> kArp{kArpRows};

constexpr RowOf<HostBond> kBondRows[] = {
    Attr<&HostBond::mode>("mode"),
    Child<&HostBond::mii>("miimon", kMii),
    Child<&HostBond::arp>("arpmon", kArp),
    Child<&HostBond::members>("interface", kMember),
    Custom<&ReadNothing<HostBond>, &EndTag<HostBond>>(""),
};
constexpr Description<HostBond> kBond{kBondRows};

constexpr RowOf<HostBridge> kBridgeRows[] = {
    Attr<&HostBridge::stp>("stp"),
    Attr<&HostBridge::delay>("delay"),
    Child<&HostBridge::members>("interface", kMember),
    Custom<&ReadNothing<HostBridge>, &EndTag<HostBridge>>(""),
};
constexpr Description<HostBridge> kBridge{kBridgeRows};

constexpr RowOf<HostVlan> kDeviceRows[] = {Attr<&HostVlan::device>("name").Required().Always()};
constexpr RowOf<HostVlan> kVlanRows[] = {
    Attr<&HostVlan::tag>("tag").Required().Always(),
    Group("interface", kDeviceRows),
};
constexpr Description<HostVlan> kVlan{kVlanRows};

constexpr RowOf<I> kMtuRows[] = {Attr<&I::mtu>("size").SkipZero()};
constexpr RowOf<I> kMacRows[] = {Attr<&I::mac>("address")};

constexpr RowOf<I> kMemberRows[] = {
    Attr<&I::type>("type").Required(),
    Attr<&I::name>("name").Required().Always(),
    Group("mtu", kMtuRows),
    Child<&I::link>("link", kHostLink).WhenWriting<&IsNoBridge>(),
    Group("mac", kMacRows).WhenWriting<&IsEthernet>(),
    Child<&I::bridge>("bridge", kBridge).When<&IsBridge>().Always(),
    Child<&I::bond>("bond", kBond).When<&IsBond>().Always(),
    Child<&I::vlan>("vlan", kVlan).When<&IsVlan>().Always(),
};
constinit const Description<I> kMember{kMemberRows};

}  // namespace

HostInterface ParseHostInterface(std::string_view xml) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kInterface, "interface_definition", "interface");
  I interface;
  Parser(ErrorDomain::kInterface, 0).Read(kMember, interface, document.root());
  return interface;
}

std::string FormatHostInterface(const HostInterface& interface) {
  xml::Writer out;
  Formatter(out, 0).Write("interface", kMember, interface);
  return out.Take();
}

}  // namespace bv::model
