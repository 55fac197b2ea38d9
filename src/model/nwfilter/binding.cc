#include "model/nwfilter/binding.h"

#include "base/error.h"
#include "base/xml.h"
#include "model/describe/engine.h"
#include "model/nwfilter/filter.h"

namespace bv::model {

namespace {

using B = FilterBinding;

[[noreturn]] void Fail(std::string text) { throw Error(ErrorDomain::kNwfilter, ErrorCode::kInternalError, std::move(text)); }

std::string Needed(std::optional<std::string_view> text, const char* what) {
  if (!text || text->empty()) Fail(std::string("filter binding has no ") + what);
  return std::string(*text);
}

std::optional<std::string_view> AttrOfChild(const xml::Node& element, const char* child, const char* attribute) {
  const xml::Node* node = element.Child(child);
  return node ? node->Attr(attribute) : std::nullopt;
}

void Read(Parser&, B& b, const xml::Node& element) {
  b.port_dev = Needed(AttrOfChild(element, "portdev", "name"), "port dev name");
  b.link_dev = AttrOfChild(element, "linkdev", "name").value_or("");
  const xml::Node* owner = element.Child("owner");
  b.owner_name = Needed(owner ? owner->ChildText("name") : std::nullopt, "owner name");
  std::string uuid = Needed(owner->ChildText("uuid"), "owner UUID");
  auto parsed = Uuid::Parse(uuid);
  if (!parsed) Fail("Unable to parse UUID '" + uuid + "'");
  b.owner_uuid = *parsed;
  std::string mac = Needed(AttrOfChild(element, "mac", "address"), "MAC address");
  auto address = MacAddress::Parse(mac);
  if (!address) Fail("Unable to parse MAC '" + mac + "'");
  b.mac = *address;
  Needed(AttrOfChild(element, "filterref", "filter"), "filter reference");
  ReadFilterRef(*element.Child("filterref"), &b.filter);
}

void Write(Formatter& f, const B& b) {
  xml::Writer& out = f.out();
  auto with = [&](const char* element, const char* attribute, std::string_view value) {
    out.Open(element);
    out.Attr(attribute, value);
    out.Close(element);
  };
  out.Open("owner");
  out.TextElement("name", b.owner_name);
  out.TextElement("uuid", b.owner_uuid.ToString());
  out.Close("owner");
  with("portdev", "name", b.port_dev);
  if (!b.link_dev.empty()) with("linkdev", "name", b.link_dev);
  char mac[18];
  with("mac", "address", b.mac.FormatTo(mac));
  WriteFilterRef(out, b.filter);
}

constexpr RowOf<B> kRows[] = {Custom<&Read, &Write>("owner portdev linkdev mac filterref")};
constexpr Description<B> kBinding{kRows};

FilterBinding Parse(const xml::Node& element) {
  FilterBinding binding;
  Parser(ErrorDomain::kNwfilter, 0).Read(kBinding, binding, element);
  return binding;
}

}  // namespace

FilterBinding ParseFilterBinding(std::string_view xml, bool validate) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kNwfilter, "nwfilterbinding_definition", "filterbinding");
  if (validate) Validate(kBinding, document.root());
  return Parse(document.root());
}

std::string FormatFilterBinding(const FilterBinding& binding) {
  xml::Writer out;
  Formatter(out, 0).Write("filterbinding", kBinding, binding);
  return out.Take();
}

FilterBinding ParseFilterBindingStatus(std::string_view xml) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kNwfilter, "nwfilterbinding_status", "filterbindingstatus");
  const xml::Node* binding = document.root().Child("filterbinding");
  if (!binding) Fail("a binding's status without the binding");
  return Parse(*binding);
}

std::string FormatFilterBindingStatus(const FilterBinding& binding) {
  xml::Writer out;
  out.Open("filterbindingstatus");
  Formatter(out, 0).Write("filterbinding", kBinding, binding);
  out.Close("filterbindingstatus");
  return out.Take();
}

}  // namespace bv::model
