#include "qemu/migration/cookie.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/xml.h"
#include "cpu/cpu_xml.h"
#include "qemu/migration/statistics.h"

namespace bv::qemu {
namespace {

// What a receiver must know about to take the cookie.
constexpr std::string_view kMandatory[] = {"graphics", "lockstate", "persistent", "network", "nbd", "memory-hotplug", "cpu-hotplug"};

[[noreturn]] void Fail(const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, what); }

template <typename T>
T Number(std::string_view text) {
  T value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void Feature(xml::Writer& out, const char* name) {
  out.Open("feature");
  out.Attr("name", name);
  out.Close("feature");
}

void WriteGraphics(xml::Writer& out, const MigrationCookie::Graphics& graphics) {
  out.Open("graphics");
  out.Attr("type", graphics.type);
  out.Attr("port", std::to_string(graphics.port));
  out.Attr("listen", graphics.listen);
  out.Attr("tlsPort", std::to_string(graphics.tls_port));
  if (!graphics.tls_subject.empty()) {
    out.Open("cert");
    out.Attr("info", "subject");
    out.Attr("value", graphics.tls_subject);
    out.Close("cert");
  }
  out.Close("graphics");
}

void WriteNbd(xml::Writer& out, const MigrationCookie::Nbd& nbd) {
  out.Open("nbd");
  if (nbd.port) out.Attr("port", std::to_string(nbd.port));
  for (auto& disk : nbd.disks) {
    out.Open("disk");
    out.Attr("target", disk.target);
    out.Attr("capacity", std::to_string(disk.capacity));
    out.Close("disk");
  }
  out.Close("nbd");
}

void WriteCapabilities(xml::Writer& out, const std::vector<MigrationCookie::Capability>& capabilities) {
  out.Open("capabilities");
  for (auto& capability : capabilities) {
    out.Open("cap");
    out.Attr("name", capability.name);
    out.Attr("auto", capability.automatic ? "yes" : "no");
    out.Close("cap");
  }
  out.Close("capabilities");
}

void ReadGraphics(MigrationCookie& cookie, const xml::Node& node) {
  MigrationCookie::Graphics graphics;
  graphics.type = node.AttrOr("type");
  graphics.listen = node.AttrOr("listen");
  graphics.port = Number<int>(node.AttrOr("port"));
  graphics.tls_port = Number<int>(node.AttrOr("tlsPort"));
  if (graphics.type.empty()) Fail("the display in the migration cookie has no type");
  for (auto* cert = node.Child("cert"); cert; cert = cert->Next("cert")) {
    if (cert->AttrOr("info") == "subject") graphics.tls_subject = cert->AttrOr("value");
  }
  cookie.graphics = std::move(graphics);
}

void ReadNbd(MigrationCookie& cookie, const xml::Node& node) {
  MigrationCookie::Nbd nbd;
  nbd.port = Number<unsigned>(node.AttrOr("port"));
  for (auto* disk = node.Child("disk"); disk; disk = disk->Next("disk"))
    nbd.disks.push_back({std::string(disk->AttrOr("target")), Number<std::uint64_t>(disk->AttrOr("capacity"))});
  cookie.nbd = std::move(nbd);
}

void ReadCapabilities(MigrationCookie& cookie, const xml::Node& node) {
  cookie.capabilities.emplace();
  for (auto* cap = node.Child("cap"); cap; cap = cap->Next("cap"))
    cookie.capabilities->push_back({std::string(cap->AttrOr("name")), cap->AttrOr("auto") == "yes"});
}

void CheckFeatures(MigrationCookie& cookie, const xml::Node& root) {
  for (auto* feature = root.Child("feature"); feature; feature = feature->Next("feature")) {
    auto name = feature->AttrOr("name");
    if (name.empty()) Fail("a feature in the migration cookie has no name");
    bool known = std::ranges::find(kMandatory, name) != std::end(kMandatory);
    if (!known) Fail(fmt::format("the migration cookie needs a feature that is unknown here: {}", name));
    if (name == "lockstate") cookie.wants_lock_state = true;
  }
}

}  // namespace

std::string MigrationCookie::Format() const {
  xml::Writer out;
  out.Open("qemu-migration");
  out.TextElement("name", name);
  out.TextElement("uuid", uuid.ToString());
  out.TextElement("hostname", host_name);
  out.TextElement("hostuuid", host_uuid.ToString());
  if (wants_lock_state) Feature(out, "lockstate");
  if (persistent) Feature(out, "persistent");
  if (graphics) WriteGraphics(out, *graphics);
  if (!lock_driver.empty() && !lock_state.empty()) {
    out.Open("lockstate");
    out.Attr("driver", lock_driver);
    out.TextElement("leases", lock_state);
    out.Close("lockstate");
  }
  if (persistent) model::FormatDomain(*persistent, model::kFormatInactive | model::kFormatSecure | model::kFormatMigratable, out);
  if (nbd) WriteNbd(out, *nbd);
  if (statistics) FormatStatistics(out, *statistics);
  if (cpu) out.Verbatim(cpu::FormatCpu(*cpu));
  if (capabilities) WriteCapabilities(out, *capabilities);
  out.Close("qemu-migration");
  auto text = out.Take();
  text.push_back('\0');
  return text;
}

std::unique_ptr<MigrationCookie> MigrationCookie::Parse(std::string_view text, const std::string& name, const Uuid& uuid, const Uuid& here) {
  if (text.empty()) return nullptr;
  if (text.back() != '\0') Fail("the migration cookie does not end with a NUL");
  text.remove_suffix(1);
  auto document = xml::Document::Parse(text, ErrorDomain::kQemu, "qemu_migration_cookie", "qemu-migration");
  auto& root = document.root();
  auto required = [&](const char* element) {
    auto value = root.ChildText(element);
    if (!value) Fail(fmt::format("the migration cookie has no <{}>", element));
    return std::string(*value);
  };
  auto cookie = std::make_unique<MigrationCookie>();
  cookie->name = required("name");
  if (cookie->name != name) Fail(fmt::format("the migration cookie is of guest '{}', not of '{}'", cookie->name, name));
  auto its_uuid = required("uuid");
  if (Uuid::Parse(its_uuid) != uuid) Fail(fmt::format("the migration cookie is of the guest with UUID {}, not {}", its_uuid, uuid.ToString()));
  cookie->uuid = uuid;
  cookie->host_name = required("hostname");
  auto host = Uuid::Parse(required("hostuuid"));
  if (!host) Fail("the UUID of the host in the migration cookie is none");
  cookie->host_uuid = *host;
  if (*host == here) Fail(fmt::format("Attempt to migrate guest to the same host {}", host->ToString()));
  CheckFeatures(*cookie, root);
  if (auto* node = root.Child("graphics")) ReadGraphics(*cookie, *node);
  if (auto* node = root.Child("lockstate")) {
    cookie->lock_driver = node->AttrOr("driver");
    cookie->lock_state = node->ChildText("leases").value_or("");
    if (cookie->lock_driver.empty()) Fail("the lock state in the migration cookie names no driver");
  }
  if (auto* node = root.Child("domain"))
    cookie->persistent = std::make_unique<model::DomainDef>(model::ParseDomain(*node, model::kParseInactive | model::kParseSkipChecks));
  if (auto* node = root.Child("nbd")) ReadNbd(*cookie, *node);
  if (auto* node = root.Child("statistics")) cookie->statistics = ParseStatistics(*node);
  if (auto* node = root.Child("cpu")) {
    xml::Writer copy;
    copy.Copy(*node);
    cookie->cpu = std::make_unique<model::CpuDef>(cpu::ParseCpu(copy.Take(), model::CpuType::kGuest));
  }
  if (auto* node = root.Child("capabilities")) ReadCapabilities(*cookie, *node);
  return cookie;
}

}  // namespace bv::qemu
