#include "cpu/cpu_xml.h"

#include <span>

#include "base/error.h"
#include "base/xml.h"
#include "model/domain/descriptions.h"

namespace bv::cpu {

using model::CpuDef;

namespace {

[[noreturn]] void Invalid(const xml::Node& node, std::string_view what) {
  throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, xml::PathOf(node) + ": " + std::string(what));
}

void ValidateFeatures(const xml::Node& root, bool host) {
  for (const xml::Node* feature = root.Child("feature"); feature; feature = feature->Next("feature")) {
    std::string_view name = feature->AttrOr("name");
    if (name.empty()) Invalid(*feature, "a feature has a name");
    // An oversight of libvirt's schema, which so refuses most hosts' own CPU.
    if (host && name.find('.') != name.npos) Invalid(*feature, "a dot in a host's feature");
    if (feature->Attr("policy").has_value() == host) Invalid(*feature, "guest CPUs have policies, host CPUs do not");
  }
}

constexpr std::string_view kHostOnly[] = {"microcode", "signature", "counter", "pages"};
constexpr std::string_view kGuestOnly[] = {"cache", "numa"};

// Where libvirt's schema is stricter than its parser.
void Validate(const xml::Node& root) {
  if (!root.ns.empty()) Invalid(root, "unexpected namespace");
  model::Validate(model::kCpu, root);
  bool host = root.Child("arch") != nullptr;
  if (host && (root.Attr("mode") || root.Attr("match") || root.Attr("check"))) Invalid(root, "unexpected attribute for a host CPU");
  if (host && root.ChildText("arch")->empty()) Invalid(*root.Child("arch"), "empty");
  for (std::string_view name : host ? std::span<const std::string_view>(kGuestOnly) : kHostOnly)
    if (const xml::Node* child = root.Child(name)) Invalid(*child, "unexpected element");
  for (const xml::Node* child = root.first_child; child; child = child->next) {
    bool many = child->name == "feature" || child->name == "counter" || child->name == "pages";
    if (!many && child->kind == xml::Node::Kind::kElement && child->Next(child->name)) Invalid(*child, "more than one");
  }
  ValidateFeatures(root, host);
  if (const xml::Node* model = root.Child("model"))
    if (auto id = model->Attr("vendor_id"); id && (id->size() != 12 || id->find(',') != id->npos)) Invalid(*model, "bad vendor_id");
}

// A bad value, which the schema catches; what depends on other parts of the document it does not.
bool IsSyntactic(const Error& error, const xml::Node& root) {
  return error.domain == ErrorDomain::kXml || (error.code == ErrorCode::kConfigUnsupported && !root.Attr("migratable"));
}

}  // namespace

CpuDef ParseCpu(std::string_view xml, model::CpuType type, bool validate) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kCpu, "CPU_definition");
  const xml::Node& root = document.root();
  if (root.name != "cpu") throw Error(ErrorDomain::kCpu, ErrorCode::kXmlError, "XML does not contain expected 'cpu' element");
  if (validate) Validate(root);

  CpuDef cpu;
  cpu.type = type;
  model::Parser parser(ErrorDomain::kCpu, 0);
  try {
    parser.Read(model::kCpu, cpu, root);
  } catch (const Error& error) {
    if (!validate || !IsSyntactic(error, root)) throw;
    throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, error.message);
  }
  return cpu;
}

std::string FormatCpu(const CpuDef& cpu) {
  xml::Writer writer;
  model::Formatter formatter(writer, 0);
  formatter.Write("cpu", model::kCpu, cpu);
  return writer.Take();
}

}  // namespace bv::cpu
