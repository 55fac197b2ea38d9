#include "model/moment.h"

#include <charconv>

#include "base/error.h"

namespace bv::model {
namespace {

std::optional<std::int64_t> ParseTime(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

void ReadMomentName(Moment& moment, const xml::Node& root, unsigned flags, ErrorDomain domain, const char* what) {
  moment.name = root.ChildText("name").value_or("");
  if (moment.name.empty() && (flags & kMomentRedefine))
    throw Error(domain, ErrorCode::kXmlError, std::string("a redefined ") + what + " must have a name");
  moment.description = root.ChildText("description").value_or("");
}

void ReadMomentPast(Moment& moment, const xml::Node& root, ErrorDomain domain, const char* what) {
  auto time = ParseTime(root.ChildText("creationTime").value_or(""));
  if (!time) throw Error(domain, ErrorCode::kInternalError, std::string("missing creationTime from existing ") + what);
  moment.creation_time = *time;
  if (const xml::Node* parent = root.Child("parent")) moment.parent = parent->ChildText("name").value_or("");
}

void ReadMomentDomain(Moment& moment, const xml::Node& root, unsigned flags) {
  const xml::Node* domain = root.Child("domain");
  if (!domain) return;
  if (auto uuid = domain->ChildText("uuid")) moment.domain_uuid = Uuid::Parse(*uuid);
  if (!domain->Attr("type")) return;
  if (flags & kMomentValidate) ValidateDomainElement(*domain);
  moment.domain = std::make_unique<DomainDef>(ParseDomain(*domain, kParseInner));
}

void WriteMomentParent(xml::Writer& out, const Moment& moment) {
  if (moment.parent.empty()) return;
  out.Open("parent");
  out.TextElement("name", moment.parent);
  out.Close("parent");
}

void WriteMomentTime(xml::Writer& out, const Moment& moment) {
  if (moment.creation_time) out.TextElement("creationTime", std::to_string(moment.creation_time));
}

}  // namespace bv::model
