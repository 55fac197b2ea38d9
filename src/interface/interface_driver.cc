#include "interface/interface_driver.h"

#include <fnmatch.h>

#include "base/error.h"
#include "base/verbatim_error.h"
#include "base/wait.h"
#include "interface/host_interfaces.h"

namespace bv::interface {

using namespace remote;

namespace {

// virConnectListAllInterfacesFlags, virInterfaceXMLFlags
enum : unsigned { kInactive = 1, kActive = 2, kAllFilters = 3 };
constexpr unsigned kXmlInactive = 1;

void RefuseFlags(unsigned flags, unsigned known, const char* function) {
  RefuseOtherFlags(flags, known, ErrorDomain::kInterface, function);
}

NonnullInterface Reference(const Link& link) { return {link.name, link.mac.value_or("")}; }

Task<std::vector<Link>> Links() {
  auto read = [] { return ReadLinks(host::DeviceFiles()); };
  co_return co_await Offload(read);
}

Task<Link> FindLink(std::string name) {
  auto read = [name = std::move(name)] { return ReadLink(host::DeviceFiles(), name); };
  co_return co_await Offload(read);
}

// The old lists know two states; what is neither is in neither.
template <typename Names>
Task<Names> NamesOf(const char* state, std::int64_t max) {
  Names names;
  for (const Link& link : co_await Links()) {
    if (link.state == state && static_cast<std::int64_t>(names.size()) < max) names.push_back(link.name);
  }
  co_return names;
}

Task<std::int32_t> CountOf(const char* state) {
  auto names = co_await NamesOf<std::vector<std::string>>(state, kInterfaceListMax);
  co_return static_cast<std::int32_t>(names.size());
}

}  // namespace

InterfaceDriver::InterfaceDriver(const DriverEnvironment& environment)
    : ObjectDriver(environment, "interface", ErrorDomain::kInterface), state_dir_(environment.state_dir + (environment.privileged ? "/interface" : "/interface/run")) {}

Task<> InterfaceDriver::Start() {
  LockState(state_dir_);
  co_return;
}

void InterfaceDriver::Register(Service& service) {
  ObjectDriver::Register(service);
  service.On<proc::ConnectNumOfInterfaces>(this, &InterfaceDriver::CountActive);
  service.On<proc::ConnectNumOfDefinedInterfaces>(this, &InterfaceDriver::CountInactive);
  service.On<proc::ConnectListInterfaces>(this, &InterfaceDriver::ListActive);
  service.On<proc::ConnectListDefinedInterfaces>(this, &InterfaceDriver::ListInactive);
  service.On<proc::ConnectListAllInterfaces>(this, &InterfaceDriver::ListAll);
  service.On<proc::InterfaceLookupByName>(this, &InterfaceDriver::LookupByName);
  service.On<proc::InterfaceLookupByMacString>(this, &InterfaceDriver::LookupByMac);
  service.On<proc::InterfaceGetXmlDesc>(this, &InterfaceDriver::GetXml);
  service.On<proc::InterfaceIsActive>(this, &InterfaceDriver::IsActive);
}

Task<ConnectNumOfInterfacesRet> InterfaceDriver::CountActive(Call&) {
  ConnectNumOfInterfacesRet ret;
  ret.num = co_await CountOf("up");
  co_return ret;
}

Task<ConnectNumOfDefinedInterfacesRet> InterfaceDriver::CountInactive(Call&) {
  ConnectNumOfDefinedInterfacesRet ret;
  ret.num = co_await CountOf("down");
  co_return ret;
}

Task<ConnectListInterfacesRet> InterfaceDriver::ListActive(Call&, ConnectListInterfacesArgs args) {
  ConnectListInterfacesRet ret;
  ret.names = co_await NamesOf<decltype(ret.names)>("up", args.maxnames);
  co_return ret;
}

Task<ConnectListDefinedInterfacesRet> InterfaceDriver::ListInactive(Call&, ConnectListDefinedInterfacesArgs args) {
  ConnectListDefinedInterfacesRet ret;
  ret.names = co_await NamesOf<decltype(ret.names)>("down", args.maxnames);
  co_return ret;
}

Task<ConnectListAllInterfacesRet> InterfaceDriver::ListAll(Call&, ConnectListAllInterfacesArgs args) {
  RefuseFlags(args.flags, kAllFilters, "udevConnectListAllInterfaces");
  ConnectListAllInterfacesRet ret;
  for (const Link& link : co_await Links()) {
    if (args.flags != 0 && !(args.flags & (link.active() ? kActive : kInactive))) continue;
    ++ret.ret;
    if (args.need_results) ret.ifaces.push_back(Reference(link));
  }
  co_return ret;
}

Task<InterfaceLookupByNameRet> InterfaceDriver::LookupByName(Call&, InterfaceLookupByNameArgs args) {
  InterfaceLookupByNameRet ret;
  ret.iface = Reference(co_await FindLink(std::move(args.name)));
  co_return ret;
}

Task<InterfaceLookupByMacStringRet> InterfaceDriver::LookupByMac(Call&, InterfaceLookupByMacStringArgs args) {
  InterfaceLookupByMacStringRet ret;
  bool found = false;
  for (const Link& link : co_await Links()) {
    // libudev, which libvirt asks, takes it for a pattern.
    if (!link.mac || fnmatch(args.mac.c_str(), link.mac->c_str(), 0) != 0) continue;
    if (std::exchange(found, true)) {
      throw Error(ErrorDomain::kInterface, ErrorCode::kMultipleInterfaces,
                  "the MAC address '" + args.mac + "' matches multiple interfaces");
    }
    ret.iface = {link.name, args.mac};
  }
  if (!found) {
    throw Error(ErrorDomain::kInterface, ErrorCode::kNoInterface, "couldn't find interface with MAC address '" + args.mac + "'");
  }
  co_return ret;
}

Task<InterfaceGetXmlDescRet> InterfaceDriver::GetXml(Call&, InterfaceGetXmlDescArgs args) {
  RefuseFlags(args.flags, kXmlInactive, "udevInterfaceGetXMLDesc");
  auto read = [name = args.iface.name] { return model::FormatHostInterface(ReadInterface(host::DeviceFiles(), name)); };
  InterfaceGetXmlDescRet ret;
  ret.xml = co_await Offload(read);
  co_return ret;
}

Task<InterfaceIsActiveRet> InterfaceDriver::IsActive(Call&, InterfaceIsActiveArgs args) {
  InterfaceIsActiveRet ret;
  Link link = co_await FindLink(std::move(args.iface.name));
  ret.active = link.active();
  co_return ret;
}

}  // namespace bv::interface
