#include "daemon/access_definitions.h"

#include "base/error.h"
#include "base/uuid.h"
#include "base/xml.h"
#include "daemon/access_objects.h"
#include "protocol/remote.h"
#include "rpc/xdr_describe.h"

namespace bv::access {

namespace {

namespace proc = remote::proc;

// --- details -------------------------------------------------------------------------------------

// Where an object's XML says what a detail is: an attribute, of the root element or of a child, or
// without one the text of a child.
struct XmlDetail {
  std::string_view object, detail, child, attribute;
};

constexpr XmlDetail kXmlDetails[] = {
    {"domain", "domain_name", "name", {}},
    {"domain", "domain_uuid", "uuid", {}},
    {"network", "network_name", "name", {}},
    {"network", "network_uuid", "uuid", {}},
    {"network_port", "network_port_uuid", "uuid", {}},
    {"nwfilter", "nwfilter_name", {}, "name"},
    {"nwfilter", "nwfilter_uuid", "uuid", {}},
    {"nwfilter_binding", "nwfilter_binding_portdev", "portdev", "name"},
    {"nwfilter_binding", "nwfilter_binding_filtername", "filterref", "filter"},
    {"interface", "interface_name", {}, "name"},
    {"interface", "interface_macaddr", "mac", "address"},
    {"storage_pool", "pool_name", "name", {}},
    {"storage_pool", "pool_uuid", "uuid", {}},
    {"storage_vol", "vol_name", "name", {}},
    {"node_device", "node_device_name", "name", {}},
    {"secret", "secret_uuid", "uuid", {}},
};

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  auto first = text.find_first_not_of(kBlank);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<std::string> Find(const xml::Node& root, const XmlDetail& row) {
  const xml::Node* node = row.child.empty() ? &root : root.Child(row.child);
  if (!node) return std::nullopt;
  auto found = row.attribute.empty() ? std::optional(node->text) : node->Attr(row.attribute);
  if (!found || found->empty()) return std::nullopt;
  if (!row.detail.ends_with("_uuid")) return std::string(*found);
  // In the one notation that rules know.
  auto uuid = Uuid::Parse(Trim(*found));
  return uuid ? std::optional(uuid->ToString()) : std::nullopt;
}

// What a secret is for, by the type of its <usage>.
struct UsageDetail {
  std::string_view type, detail, child;
};

constexpr UsageDetail kUsageDetails[] = {
    {"volume", "secret_usage_volume", "volume"},
    {"ceph", "secret_usage_ceph", "name"},
    {"iscsi", "secret_usage_target", "target"},
    {"tls", "secret_usage_name", "name"},
};

void DescribeUsage(PolkitDetails& to, const xml::Node& root) {
  const xml::Node* usage = root.Child("usage");
  if (!usage) return;
  for (const UsageDetail& row : kUsageDetails) {
    const xml::Node* id = usage->Attr("type") == row.type ? usage->Child(row.child) : nullptr;
    if (id && !id->text.empty()) to.emplace_back(row.detail, id->text);
  }
}

// --- arguments -----------------------------------------------------------------------------------

// Null for other procedures.
template <typename Proc>
const typename Proc::Args* ArgsOf(const Call& call) {
  bool is = &call.procedure() == Proc::program().Find(Proc::info.number);
  return is ? static_cast<const typename Proc::Args*>(call.args()) : nullptr;
}

template <typename List>
std::string TextOf(const List& params, std::string_view field) {
  for (const TypedParam& param : params) {
    auto* text = std::get_if<std::string>(&param.value);
    if (text && param.field == field) return *text;
  }
  return {};
}

// Empty for calls that are about none.
std::string SaveImageOf(const Call& call) {
  if (auto* args = ArgsOf<proc::DomainRestore>(call)) return args->from;
  if (auto* args = ArgsOf<proc::DomainRestoreFlags>(call)) return args->from;
  if (auto* args = ArgsOf<proc::DomainRestoreParams>(call)) return TextOf(args->params, "file");
  if (auto* args = ArgsOf<proc::DomainSaveImageGetXmlDesc>(call)) return args->file;
  if (auto* args = ArgsOf<proc::DomainSaveImageDefineXml>(call)) return args->file;
  return {};
}

template <typename Args>
std::optional<Definition> Incoming(const Args* args) {
  if (!args) return std::nullopt;
  if constexpr (requires { args->dom_xml; }) {
    return Definition{args->dom_xml, args->dname.value_or("")};
  } else {
    return Definition{TextOf(args->params, "destination_xml"), TextOf(args->params, "destination_name")};
  }
}

// Of a domain that comes from another host, maybe under another name.
std::optional<Definition> FindIncoming(const Call& call) {
  std::optional<Definition> found;
  auto look = [&]<typename... Proc>() { (void)((found = Incoming(ArgsOf<Proc>(call))) || ...); };
  look.operator()<proc::DomainMigratePrepare2, proc::DomainMigratePrepareTunnel, proc::DomainMigratePrepare3,
                  proc::DomainMigratePrepareTunnel3, proc::DomainMigratePrepare3Params,
                  proc::DomainMigratePrepareTunnel3Params>();
  return found;
}

// The first text among the arguments that is `wanted`; null when there is none.
const std::string* FindText(const xdr::Type& type, const void* args, bool (*wanted)(std::string_view)) {
  for (std::uint32_t i = 0; i < type.field_count; ++i) {
    const xdr::Type* field = type.fields[i].type;
    void* value = const_cast<void*>(At(args, type.fields[i]));
    if (field->kind == xdr::Kind::kOptional && field->ops.count(value)) {
      value = field->ops.data(value);
      field = field->element;
    }
    if (field->kind != xdr::Kind::kString) continue;
    auto* text = static_cast<const std::string*>(value);
    if (wanted(*text)) return text;
  }
  return nullptr;
}

bool IsXml(std::string_view text) { return Trim(text).starts_with('<'); }

}  // namespace

Task<Definition> FindDefinition(Service& service, Call& call) {
  if (std::string image = SaveImageOf(call); !image.empty()) {
    remote::DomainSaveImageGetXmlDescArgs args;
    args.file = std::move(image);
    auto answer = co_await Ask<proc::DomainSaveImageGetXmlDesc>(service, call, std::move(args));
    co_return Definition{answer.xml, {}};
  }
  if (auto incoming = FindIncoming(call)) co_return std::move(*incoming);
  const xdr::Type* type = call.procedure().args;
  if (!type) co_return Definition();
  const std::string* text = FindText(*type, call.args(), &IsXml);
  if (!text) text = FindText(*type, call.args(), [](std::string_view) { return true; });
  co_return Definition{text ? *text : std::string(), {}};
}

void Describe(PolkitDetails& to, std::string_view name, const Definition& definition) {
  if (!IsXml(definition.text)) {
    // Calls about node devices say just their name.
    if (name == "node_device" && !definition.text.empty()) to.emplace_back("node_device_name", definition.text);
    return;
  }
  try {
    auto document = xml::Document::Parse(definition.text, ErrorDomain::kAccess, "definition");
    for (const XmlDetail& row : kXmlDetails) {
      if (row.object != name) continue;
      auto found = Find(document.root(), row);
      if (row.detail == "domain_name" && !definition.name.empty()) found = definition.name;
      if (found) to.emplace_back(row.detail, std::move(*found));
    }
    if (name == "secret") DescribeUsage(to, document.root());
  } catch (const Error&) {
    // The driver says what is wrong with it, if the client may ask at all.
  }
}

}  // namespace bv::access
