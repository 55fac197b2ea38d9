#include "model/secret.h"

#include "model/describe/engine.h"

namespace bv::model {

namespace {

using S = SecretDef;

void ReadHead(Parser& p, S& s, const xml::Node& element) {
  auto yes_no = [&](const char* name, bool& value) {
    auto text = element.Attr(name);
    if (!text || text->empty()) return;
    if (*text != "yes" && *text != "no") p.Fail(Fault::kDomainXml, std::string("invalid value of '") + name + "'");
    value = *text == "yes";
  };
  yes_no("ephemeral", s.ephemeral);
  yes_no("private", s.is_private);
  auto uuid = element.ChildText("uuid");
  if (!uuid || uuid->empty()) {
    s.uuid = Uuid::Generate();
  } else if (auto parsed = Uuid::Parse(*uuid)) {
    s.uuid = *parsed;
  } else {
    p.Fail(Fault::kInternal, "malformed uuid element");
  }
  s.description = element.ChildText("description").value_or("");
}
void WriteHead(Formatter& f, const S& s) {
  f.Attr("ephemeral", s.ephemeral ? "yes" : "no");
  f.Attr("private", s.is_private ? "yes" : "no");
  f.out().TextElement("uuid", s.uuid.ToString());
  if (!s.description.empty()) f.out().TextElement("description", s.description);
}

const char* UsageElement(SecretUsage usage) {
  switch (usage) {
    case SecretUsage::kVolume: return "volume";
    case SecretUsage::kIscsi: return "target";
    default: return "name";
  }
}

// How people call them.
const char* UsageTitle(SecretUsage usage) {
  switch (usage) {
    case SecretUsage::kVolume: return "volume";
    case SecretUsage::kCeph: return "Ceph";
    case SecretUsage::kIscsi: return "iSCSI";
    case SecretUsage::kTls: return "TLS";
    case SecretUsage::kVtpm: return "vTPM";
    case SecretUsage::kNone: break;
  }
  return "none";
}

void ReadUsage(Parser& p, S& s, const xml::Node& element) {
  const xml::Node* usage = element.Child("usage");
  if (!usage) return;
  auto type = usage->Attr("type");
  if (!type || type->empty()) p.Fail(Fault::kDomainXml, "unknown secret usage type");
  auto known = FromString<SecretUsage>(*type);
  if (!known) p.Fail(Fault::kUnsupported, "unknown secret usage type " + std::string(*type));
  s.usage = *known;
  if (s.usage == SecretUsage::kNone) return;
  s.usage_id = usage->ChildText(UsageElement(s.usage)).value_or("");
  if (s.usage_id.empty()) p.Fail(Fault::kInternal, std::string(UsageTitle(s.usage)) + " usage specified, but " + UsageElement(s.usage) + " is missing");
}
void WriteUsage(Formatter& f, const S& s) {
  if (s.usage == SecretUsage::kNone) return;
  f.out().Open("usage");
  f.Attr("type", ToString(s.usage));
  f.out().TextElement(UsageElement(s.usage), s.usage_id);
  f.out().Close("usage");
}

constexpr RowOf<S> kRows[] = {
    Custom<&ReadHead, &WriteHead>("@ephemeral @private uuid description"),
    Custom<&ReadUsage, &WriteUsage>("usage"),
};
constexpr Description<S> kSecret{kRows};

}  // namespace

SecretDef ParseSecret(std::string_view xml, bool validate) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kSecret, "definition_of_secret", "secret");
  if (validate) Validate(kSecret, document.root());
  SecretDef secret;
  Parser(ErrorDomain::kSecret, 0).Read(kSecret, secret, document.root());
  return secret;
}

std::string FormatSecret(const SecretDef& secret) {
  xml::Writer out;
  Formatter(out, 0).Write("secret", kSecret, secret);
  return out.Take();
}

}  // namespace bv::model
