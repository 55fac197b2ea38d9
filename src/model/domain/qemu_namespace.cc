#include "model/domain/qemu_namespace.h"

#include "model/domain/qemu_namespace_xml.h"

namespace bv::model {

namespace {

constexpr char kUri[] = "http://libvirt.org/schemas/domain/qemu/1.0";

const xml::Node* Find(const xml::Node* node, std::string_view name) {
  for (; node; node = node->next) {
    if (node->ns == kUri && node->name == name) return node;
  }
  return nullptr;
}
const xml::Node* FirstChild(const xml::Node& element, std::string_view name) { return Find(element.first_child, name); }

bool IsEnvName(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name[0])) return false;
  for (char c : name) {
    if (!letter(c) && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

void ReadCommandLine(Parser& p, QemuNamespace& q, const xml::Node& element) {
  for (auto* arg = FirstChild(element, "arg"); arg; arg = Find(arg->next, "arg")) {
    if (arg->AttrOr("value").empty()) p.Fail(ErrorCode::kInternalError, "No qemu command-line argument specified");
    q.args.emplace_back(arg->AttrOr("value"));
  }
  for (auto* env = FirstChild(element, "env"); env; env = Find(env->next, "env")) {
    std::string_view name = env->AttrOr("name");
    if (name.empty()) p.Fail(ErrorCode::kInternalError, "No qemu environment name specified");
    if (!IsEnvName(name)) p.Fail(ErrorCode::kInternalError, "Invalid environment name, it must contain only alphanumerics and underscore and not start with a digit");
    q.env.push_back({std::string(name), std::string(env->AttrOr("value"))});
  }
}

void ReadCapabilities(Parser& p, QemuNamespace& q, const xml::Node& element) {
  auto read = [&](const char* name, std::vector<std::string>& list) {
    for (auto* node = FirstChild(element, name); node; node = Find(node->next, name)) {
      auto capability = node->Attr("capability");
      if (!capability) p.Fail(ErrorCode::kInternalError, "missing capability name");
      list.emplace_back(*capability);
    }
  };
  read("add", q.caps_add);
  read("del", q.caps_del);
}

void ReadOverrides(Parser& p, QemuNamespace& q, const xml::Node& element) {
  for (auto* device = FirstChild(element, "device"); device; device = Find(device->next, "device")) {
    DeviceOverride entry;
    entry.alias = device->AttrOr("alias");
    if (!device->Attr("alias")) p.Fail(Fault::kDomainXml, "missing 'alias' attribute of qemu:device");
    const xml::Node* frontend = FirstChild(*device, "frontend");
    for (auto* node = frontend ? FirstChild(*frontend, "property") : nullptr; node; node = Find(node->next, "property")) {
      OverrideProperty property;
      property.name = node->AttrOr("name");
      if (!node->Attr("name")) p.Fail(Fault::kDomainXml, "missing 'name' attribute for qemu:property element");
      p.Value(*node, "type", property.type, Fault::kXml, kRequired | kNonZero);
      property.value = node->AttrOr("value");
      if (property.type != OverrideType::kRemove && !node->Attr("value")) {
        p.Fail(Fault::kDomainXml, "missing 'value' attribute for 'qemu:property'");
      }
      bool number = property.type == OverrideType::kSigned    ? ParseNumber<std::int64_t>(property.value, 0).has_value()
                    : property.type == OverrideType::kUnsigned ? ParseNumber<std::uint64_t>(property.value, 0).has_value()
                    : property.type == OverrideType::kBool     ? property.value == "true" || property.value == "false"
                                                               : true;
      if (!number) p.Fail(Fault::kDomainXml, "invalid value '" + property.value + "' of 'value' attribute of 'qemu:property'");
      entry.frontend.push_back(std::move(property));
    }
    q.overrides.push_back(std::move(entry));
  }
}

void WriteAttribute(xml::Writer& out, std::string_view element, std::string_view name, std::string_view value) {
  out.Open(element);
  out.Attr(name, value);
  out.Close(element);
}

}  // namespace

void ReadQemuNamespace(Parser& p, QemuNamespace& q, const xml::Node& domain) {
  if (auto* node = FirstChild(domain, "commandline")) ReadCommandLine(p, q, *node);
  if (auto* node = FirstChild(domain, "capabilities")) ReadCapabilities(p, q, *node);
  if (auto* node = FirstChild(domain, "deprecation")) {
    q.deprecation_given = true;
    p.Value(*node, "behavior", q.deprecation, Fault::kXml, kRequired);
  }
  if (auto* node = FirstChild(domain, "override")) ReadOverrides(p, q, *node);
}

void WriteQemuNamespaceDeclaration(Formatter& f, const QemuNamespace& q) {
  if (!q.empty()) f.Attr("xmlns:qemu", kUri);
}

void WriteQemuNamespace(Formatter& f, const QemuNamespace& q) {
  xml::Writer& out = f.out();
  if (!q.args.empty() || !q.env.empty()) {
    out.Open("qemu:commandline");
    for (const std::string& arg : q.args) WriteAttribute(out, "qemu:arg", "value", arg);
    for (const QemuEnv& env : q.env) {
      out.Open("qemu:env");
      out.Attr("name", env.name);
      if (!env.value.empty()) out.Attr("value", env.value);
      out.Close("qemu:env");
    }
    out.Close("qemu:commandline");
  }
  if (!q.caps_add.empty() || !q.caps_del.empty()) {
    out.Open("qemu:capabilities");
    for (const std::string& c : q.caps_add) WriteAttribute(out, "qemu:add", "capability", c);
    for (const std::string& c : q.caps_del) WriteAttribute(out, "qemu:del", "capability", c);
    out.Close("qemu:capabilities");
  }
  if (q.deprecation_given) WriteAttribute(out, "qemu:deprecation", "behavior", ToString(q.deprecation));
  if (!q.overrides.empty()) {
    out.Open("qemu:override");
    for (const DeviceOverride& device : q.overrides) {
      out.Open("qemu:device");
      out.Attr("alias", device.alias);
      out.Open("qemu:frontend");
      for (const OverrideProperty& property : device.frontend) {
        out.Open("qemu:property");
        out.Attr("name", property.name);
        out.Attr("type", ToString(property.type));
        if (property.type != OverrideType::kRemove) out.Attr("value", property.value);
        out.Close("qemu:property");
      }
      out.Close("qemu:frontend");
      out.Close("qemu:device");
    }
    out.Close("qemu:override");
  }
}

}  // namespace bv::model
