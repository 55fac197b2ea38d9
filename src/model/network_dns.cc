#include "model/network_parts.h"

// <dns>: what the name server of a network answers.
namespace bv::model {

namespace {

[[noreturn]] void Fail(ErrorCode code, std::string text) { throw Error(ErrorDomain::kNetwork, code, std::move(text)); }
[[noreturn]] void FailXml(std::string text) { Fail(ErrorCode::kXmlError, std::move(text)); }
[[noreturn]] void FailDetail(std::string text) { Fail(ErrorCode::kXmlDetail, std::move(text)); }

std::string In(const NetworkDef& def) { return " in network '" + def.name + "'"; }

DnsForwarder ReadForwarder(const NetworkDef& def, const xml::Node& element) {
  DnsForwarder forwarder;
  auto address = Given(element, "addr");
  if (address) {
    forwarder.address = Ip::Parse(*address);
    if (!forwarder.address) FailXml("Invalid forwarder IP address '" + *address + "'" + In(def));
  }
  forwarder.domain = Given(element, "domain");
  if (!address && !forwarder.domain) FailXml("Invalid forwarder element, must contain at least one of addr or domain");
  return forwarder;
}

// A number of an SRV record, which only means something with a target.
unsigned ReadSrvNumber(const NetworkDef& def, const DnsSrv& srv, const xml::Node& element, const char* name, unsigned lowest, bool partial) {
  auto text = element.Attr(name);
  if (!text || text->empty()) return 0;
  std::string where = " attribute for service '" + srv.service + "'" + In(def);
  if (!srv.target && !partial) {
    FailDetail(std::string("DNS SRV ") + name + " attribute not permitted without target for service '" + srv.service + "'" + In(def));
  }
  auto number = ParseNumber<std::uint32_t>(*text);
  if (!number || *number < lowest || *number > 65535) FailDetail(std::string("invalid DNS SRV ") + name + where);
  return *number;
}

template <typename T, typename ParseOne>
void ReadAll(std::vector<T>& list, const xml::Node& dns, const char* name, ParseOne parse) {
  for (const xml::Node* node = dns.Child(name); node; node = node->Next(name)) list.push_back(parse(*node));
}

}  // namespace

DnsTxt ParseDnsTxt(const NetworkDef& def, const xml::Node& element, bool partial) {
  auto name = element.Attr("name"), value = element.Attr("value");
  if (!name) FailDetail("missing required name attribute in DNS TXT record of network " + def.name);
  if (name->find_first_of(" ,") != name->npos) {
    FailDetail("prohibited character in DNS TXT record name '" + std::string(*name) + "' of network " + def.name);
  }
  if (!value && !partial) {
    FailDetail("missing required value attribute in DNS TXT record named '" + std::string(*name) + "' of network " + def.name);
  }
  return {std::string(*name), std::string(value.value_or(""))};
}

DnsSrv ParseDnsSrv(const NetworkDef& def, const xml::Node& element, bool partial) {
  DnsSrv srv;
  auto service = element.Attr("service"), protocol = element.Attr("protocol");
  if (!service && !partial) FailDetail("missing required service attribute in DNS SRV record of network '" + def.name + "'");
  srv.service = service.value_or("");
  if (!protocol && !partial) {
    FailDetail("missing required protocol attribute in DNS SRV record '" + srv.service + "' of network '" + def.name + "'");
  }
  srv.protocol = protocol.value_or("");
  srv.target = Given(element, "target");
  srv.domain = Given(element, "domain");
  srv.port = ReadSrvNumber(def, srv, element, "port", 1, partial);
  srv.priority = ReadSrvNumber(def, srv, element, "priority", 0, partial);
  srv.weight = ReadSrvNumber(def, srv, element, "weight", 0, partial);
  return srv;
}

DnsHost ParseDnsHost(const NetworkDef& def, const xml::Node& element, bool partial) {
  auto address = element.Attr("ip");
  if (!address && !partial) FailDetail("Missing IP address" + In(def) + " DNS HOST record");
  DnsHost host;
  if (address) {
    host.ip = Ip::Parse(*address);
    if (!host.ip) FailDetail("Invalid IP address" + In(def) + " DNS HOST record");
  }
  for (const xml::Node* node = element.Child("hostname"); node; node = node->Next("hostname")) {
    if (!node->text.empty()) host.names.emplace_back(node->text);
  }
  if (host.names.empty() && !partial) FailDetail("Missing hostname" + In(def) + " DNS HOST record");
  if (host.names.empty() && !host.ip) FailDetail("Missing ip and hostname" + In(def) + " DNS HOST record");
  return host;
}

void ReadDns(Parser& p, NetworkDef& def, const xml::Node& element) {
  const xml::Node* dns = element.Child("dns");
  if (!dns) return;
  NetworkDns& d = def.dns;
  p.Value(*dns, "enable", d.enable, Fault::kXml, kNonZero);
  p.Value(*dns, "forwardPlainNames", d.forward_plain_names, Fault::kXml, kNonZero);
  ReadAll(d.forwarders, *dns, "forwarder", [&](auto& node) { return ReadForwarder(def, node); });
  ReadAll(d.hosts, *dns, "host", [&](auto& node) { return ParseDnsHost(def, node, false); });
  ReadAll(d.srvs, *dns, "srv", [&](auto& node) { return ParseDnsSrv(def, node, false); });
  ReadAll(d.txts, *dns, "txt", [&](auto& node) { return ParseDnsTxt(def, node, false); });
  bool records = !d.forwarders.empty() || !d.hosts.empty() || !d.srvs.empty() || !d.txts.empty();
  if (d.enable == YesNo::kNo && records) FailXml("Extra data in disabled network '" + def.name + "'");
}

void WriteDns(Formatter& f, const NetworkDef& def) {
  const NetworkDns& d = def.dns;
  xml::Writer& out = f.out();
  auto mark = out.Open("dns");
  if (d.enable != YesNo::kAbsent) f.Attr("enable", ToString(d.enable));
  if (d.forward_plain_names != YesNo::kAbsent) f.Attr("forwardPlainNames", ToString(d.forward_plain_names));
  for (const DnsForwarder& forwarder : d.forwarders) {
    out.Open("forwarder");
    if (forwarder.domain) f.Attr("domain", *forwarder.domain);
    if (forwarder.address) f.Attr("addr", forwarder.address->ToString());
    out.Close("forwarder");
  }
  for (const DnsTxt& txt : d.txts) {
    out.Open("txt");
    f.Attr("name", txt.name);
    f.Attr("value", txt.value);
    out.Close("txt");
  }
  for (const DnsSrv& srv : d.srvs) {
    out.Open("srv");
    f.Attr("service", srv.service);
    f.Attr("protocol", srv.protocol);
    if (srv.domain) f.Attr("domain", *srv.domain);
    if (srv.target) f.Attr("target", *srv.target);
    if (srv.port) f.Attr("port", srv.port);
    if (srv.priority) f.Attr("priority", srv.priority);
    if (srv.weight) f.Attr("weight", srv.weight);
    out.Close("srv");
  }
  for (const DnsHost& host : d.hosts) {
    out.Open("host");
    if (host.ip) f.Attr("ip", host.ip->ToString());
    for (const std::string& name : host.names) out.TextElement("hostname", name);
    out.Close("host");
  }
  out.CloseUnlessEmpty("dns", mark);
}

}  // namespace bv::model
