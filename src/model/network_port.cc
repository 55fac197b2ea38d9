#include "model/network_port.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

using P = NetworkPortDef;

void ReadHead(Parser& p, P& port, const xml::Node& element) {
  auto uuid_in = [&](const xml::Node* parent, const char* what) -> std::optional<Uuid> {
    auto text = parent ? parent->ChildText("uuid") : std::nullopt;
    if (!text || text->empty()) return std::nullopt;
    auto uuid = Uuid::Parse(*text);
    if (!uuid) p.Fail(Fault::kInternal, std::string("Unable to parse ") + what + " '" + std::string(*text) + "'");
    return uuid;
  };
  const xml::Node *owner = element.Child("owner"), *mac = element.Child("mac");
  auto uuid = uuid_in(&element, "UUID");
  if (!uuid) p.Fail(Fault::kInternal, "network port has no uuid");
  port.uuid = *uuid;
  if (!owner || owner->ChildText("name").value_or("").empty()) p.Fail(Fault::kInternal, "network port has no owner name");
  port.owner_name = *owner->ChildText("name");
  auto owner_uuid = uuid_in(owner, "UUID");
  if (!owner_uuid) p.Fail(Fault::kInternal, "network port has no owner UUID");
  port.owner_uuid = *owner_uuid;
  port.group = element.ChildText("group").value_or("");
  if (!mac || mac->AttrOr("address").empty()) p.Fail(Fault::kInternal, "network port has no mac");
  port.mac = MacAddress::Parse(*mac->Attr("address"));
  if (!port.mac) p.Fail(Fault::kInternal, "Unable to parse MAC '" + std::string(*mac->Attr("address")) + "'");
}
void WriteHead(Formatter& f, const P& port) {
  xml::Writer& out = f.out();
  out.TextElement("uuid", port.uuid.ToString());
  out.Open("owner");
  out.TextElement("name", port.owner_name);
  out.TextElement("uuid", port.owner_uuid.ToString());
  out.Close("owner");
  if (!port.group.empty()) out.TextElement("group", port.group);
  char buffer[18];
  out.Open("mac");
  f.Attr("address", port.mac->FormatTo(buffer));
  out.Close("mac");
}

using G = NetworkPlug;
template <PlugType... Types>
bool Is(const G& plug) {
  return ((plug.type == Types) || ...);
}

void ReadDriver(Parser& p, G& plug, const xml::Node& element) {
  const xml::Node *driver = element.Child("driver"), *address = element.Child("address");
  if (plug.type != PlugType::kHostdevPci) return;
  if (driver) p.Value(*driver, "name", plug.driver, Fault::kDomainXml, kNonZero | kEmptyIsAbsent);
  if (!address) p.Fail(Fault::kDomainXml, "Missing network port PCI address");
  p.Read(kPciAddress, plug.address, *address);
}
void WriteDriver(Formatter& f, const G& plug) {
  if (plug.type != PlugType::kHostdevPci) return;
  if (plug.driver != ForwardDriver::kDefault) {
    f.out().Open("driver");
    f.Attr("name", ToString(plug.driver));
    f.out().Close("driver");
  }
  f.Write("address", kPciAddress, plug.address);
}

constexpr RowOf<G> kPlugRows[] = {
    Attr<&G::type>("type"),
    Attr<&G::bridge>("bridge").Required().Fails(Fault::kDomainXml).When<&Is<PlugType::kNetwork, PlugType::kBridge>>(),
    Attr<&G::mac_table_manager>("macTableManager").NonZero().Fails(Fault::kDomainXml).When<&Is<PlugType::kNetwork, PlugType::kBridge>>(),
    Attr<&G::dev>("dev").Required().Fails(Fault::kDomainXml).When<&Is<PlugType::kDirect>>(),
    Attr<&G::mode>("mode").Fails(Fault::kDomainXml).When<&Is<PlugType::kDirect>>(),
    Attr<&G::managed>("managed").NonZero().When<&Is<PlugType::kHostdevPci>>(),
    Custom<&ReadDriver, &WriteDriver>("driver address"),
};
constexpr Description<G> kPlug{kPlugRows};

void ReadPlug(Parser& p, P& port, const xml::Node& element) {
  if (const xml::Node* plug = element.Child("plug")) p.Read(kPlug, port.plug, *plug);
}
void WritePlug(Formatter& f, const P& port) {
  if (port.plug.type != PlugType::kNone) f.Write("plug", kPlug, port.plug);
}

constexpr RowOf<P> kIsolatedRows[] = {Attr<&P::isolated>("isolated").NonZero()};
constexpr RowOf<P> kFilterRows[] = {Attr<&P::trust_guest_rx_filters>("trustGuest").NonZero()};
constexpr RowOf<P> kRows[] = {
    Custom<&ReadHead, &WriteHead>("uuid owner group mac"),
    Child<&P::virtual_port>("virtualport", kVirtualPortTemplate).With(kNotEmpty),
    Child<&P::bandwidth>("bandwidth", kBandwidth).With(kNotEmpty),
    Child<&P::vlan>("vlan", kVlan),
    Group("port", kIsolatedRows),
    Group("rxfilters", kFilterRows),
    Custom<&ReadPlug, &WritePlug>("plug"),
};
constexpr Description<P> kPort{kRows};

}  // namespace

NetworkPortDef ParseNetworkPort(std::string_view xml, unsigned flags) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kNetwork, "networkport_definition", "networkport");
  if (flags & kNetworkValidate) Validate(kPort, document.root());
  NetworkPortDef port;
  Parser(ErrorDomain::kNetwork, flags).Read(kPort, port, document.root());
  return port;
}

std::string FormatNetworkPort(const NetworkPortDef& port) {
  xml::Writer out;
  Formatter(out, 0).Write("networkport", kPort, port);
  return out.Take();
}

}  // namespace bv::model
