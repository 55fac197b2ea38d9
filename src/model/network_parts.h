#pragma once

#include "model/describe/engine.h"
#include "model/network.h"

// The parts of <network>'s description, each defined in the file of its element.
namespace bv::model {

void ReadForward(Parser& p, NetworkDef& def, const xml::Node& element);
void WriteForward(Formatter& f, const NetworkDef& def);
void ReadIps(Parser& p, NetworkDef& def, const xml::Node& element);
void WriteIps(Formatter& f, const NetworkDef& def);
void ReadRoutes(Parser& p, NetworkDef& def, const xml::Node& element);
// One <route>; errors name `whose` it is.
NetworkRoute ReadRoute(Parser& p, const std::string& whose, const xml::Node& element);
void WriteRoutes(Formatter& f, const NetworkDef& def);
void ReadDns(Parser& p, NetworkDef& def, const xml::Node& element);
void WriteDns(Formatter& f, const NetworkDef& def);

// An attribute that is there, empty or not.
std::optional<std::string> Given(const xml::Node& element, std::string_view name);
// An attribute; an empty one counts as absent.
std::optional<std::string_view> NotEmpty(const xml::Node& element, std::string_view name);

// Throws kXmlInvalidSchema for names below `parent` that the schema does not have there, or insists on.
void CheckNetworkSchema(const xml::Node& parent);

// What both kinds of address have: the default network of an address by its class.
unsigned DefaultPrefix(const Ip& address);

// Throws where it is reversed, is too large, or (with a network's address) leaves that network.
void CheckAddressRange(const Ip& start, const Ip& end, const Ip* network = nullptr, unsigned prefix = 0);

}  // namespace bv::model
