// Definitions: making, changing and removing them.

// g++ 12 crashes over this file when fmt comes first.
#include <libxml/tree.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>

#include "base/error.h"
#include "base/verbatim_error.h"
#include "base/files.h"
#include "base/xml.h"
#include "daemon/definition_files.h"
#include "qemu/defaults/validate.h"
#include "qemu/driver.h"
#include "qemu/guest_helpers.h"
#include "qemu/nvram.h"
#include "qemu/moment_store.h"

namespace bv::qemu {
namespace {

[[noreturn]] void Invalid(const std::string& what) {
  throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, what);
}

// A guest's name is that of its directories too.
void RefuseDots(const std::string& name) {
  if (name == "." || name == "..") throw Error(ErrorDomain::kNone, ErrorCode::kSystemError, "Cannot name a directory '" + name + "': Invalid argument");
}

enum MetadataType { kDescription, kTitle, kElement };

}  // namespace

Task<DomainPtr> QemuDriver::Define(std::string xml, unsigned flags) {
  constexpr unsigned kValidate = 1;
  unsigned parse = model::kParseInactive | model::kParseAbiUpdate;
  if (flags & kValidate) parse |= model::kParseValidate;
  auto def = co_await ReadXml(std::move(xml), parse);
  auto caps = co_await CapsOf(*def);
  ValidateDomain(*def, *caps, *config_);
  RefuseDots(def->name);
  auto domain = domains_.FindSame(def->name, def->uuid);
  bool existed = domain != nullptr, was_persistent = domain && domain->persistent;
  if (!domain) {
    domain = std::make_shared<Domain>(def->name, def->uuid);
    domain->jobs.set_max_queued(config_->max_queued);
    domains_.Add(domain);
  } else {
    co_await EnsureParsed(domain);
  }
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainDefineXMLFlags");
  auto old = domain->TakeConfig();
  domain->SetConfig(std::move(def));
  domain->persistent = true;
  std::exception_ptr failure;
  try {
    co_await SaveConfig(domain);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    domain->persistent = was_persistent;
    if (old) domain->SetConfig(std::move(old));
    if (!existed) domains_.Remove(domain);
    std::rethrow_exception(failure);
  }
  events_.SendLifecycle(domain->Ref(), Lifecycle::kDefined, was_persistent ? defined::kUpdated : defined::kAdded);
  co_return domain;
}

Task<remote::DomainDefineXmlRet> QemuDriver::DomainDefineXml(Call&, remote::DomainDefineXmlArgs args) {
  auto domain = co_await Define(std::move(args.xml), 0);
  co_return remote::DomainDefineXmlRet{domain->Ref()};
}

Task<remote::DomainDefineXmlFlagsRet> QemuDriver::DomainDefineXmlFlags(Call&, remote::DomainDefineXmlFlagsArgs args) {
  CheckFlags(args.flags, 1, "qemuDomainDefineXMLFlags");
  auto domain = co_await Define(std::move(args.xml), args.flags);
  co_return remote::DomainDefineXmlFlagsRet{domain->Ref()};
}

Task<> QemuDriver::DomainUndefine(Call&, remote::DomainUndefineArgs args) {
  auto domain = co_await Get(args.dom);
  co_await Undefine(domain, 0);
}

Task<> QemuDriver::DomainUndefineFlags(Call&, remote::DomainUndefineFlagsArgs args) {
  CheckFlags(args.flags, 0x7f, "qemuDomainUndefineFlags");
  auto domain = co_await Get(args.dom);
  co_await Undefine(domain, args.flags);
}

Task<> QemuDriver::Undefine(DomainPtr domain, unsigned flags) {
  enum : unsigned { kManagedSave = 1, kSnapshots = 2, kNvram = 4, kKeepNvram = 8, kCheckpoints = 16, kTpm = 32, kKeepTpm = 64 };
  if ((flags & kTpm) && (flags & kKeepTpm)) Invalid("a TPM's state cannot be both removed and kept");
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainUndefineFlags");
  if (!domain->persistent) Invalid("cannot undefine transient domain");
  auto* moments = domain->moments.get();
  if (!domain->active() && moments && !moments->snapshots.empty()) {
    if (!(flags & kSnapshots))
      Invalid(fmt::format("cannot delete inactive domain with {} snapshots", moments->snapshots.size()));
    co_await moments_->DiscardSnapshots(domain);
  }
  if (!domain->active() && moments && !moments->checkpoints.empty()) {
    if (!(flags & kCheckpoints))
      Invalid(fmt::format("cannot delete inactive domain with {} checkpoints", moments->checkpoints.size()));
    co_await moments_->DiscardCheckpoints(domain);
  }
  if (domain->has_managed_save) {
    if (!(flags & kManagedSave)) Invalid("Refusing to undefine while domain managed save image exists");
    if (unlink(SavePath(*domain).c_str()) != 0) Invalid("Failed to remove domain managed save image");
    domain->has_managed_save = false;
  }
  const std::string nvram = NvramFile(domain->config() ? *domain->config() : domain->def(), *config_);
  if (!nvram.empty() && FileExists(nvram) && !(flags & kKeepNvram)) {
    if (!(flags & kNvram)) Invalid("cannot undefine domain with nvram");
    if (unlink(nvram.c_str()) != 0) throw SystemError(ErrorDomain::kQemu, fmt::format("failed to remove nvram: {}", nvram));
  }
  std::string tpm_store = domain->active() ? std::string() : TpmStoreToForget(domain->def(), *config_, flags);
  co_await DeleteConfig(domain);
  if (!tpm_store.empty()) {
    auto forget = [tpm_store] { RemoveTree(tpm_store); };
    co_await Offload(std::move(forget));
  }
  domain->persistent = false;
  domain->autostart = false;
  events_.SendLifecycle(domain->Ref(), Lifecycle::kUndefined, undefined::kRemoved);
  if (domain->active()) {
    domain->TakeConfig();
  } else {
    domains_.Remove(domain);
  }
}

Task<remote::DomainGetAutostartRet> QemuDriver::DomainGetAutostart(Call&, remote::DomainGetAutostartArgs args) {
  co_return remote::DomainGetAutostartRet{Find(args.dom)->autostart};
}

Task<> QemuDriver::DomainSetAutostart(Call&, remote::DomainSetAutostartArgs args) {
  auto domain = Find(args.dom);
  if (!domain->persistent) Invalid("cannot set autostart for transient domain");
  bool autostart = args.autostart != 0;
  if (domain->autostart == autostart) co_return;
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetAutostart");
  auto link = AutostartPath(*domain), target = ConfigPath(*domain);
  auto work = [link, target, autostart] { LinkAutostart(target, link, autostart, ErrorDomain::kQemu); };
  co_await Offload(std::move(work));
  domain->autostart = autostart;
}

Task<remote::DomainRenameRet> QemuDriver::DomainRename(Call&, remote::DomainRenameArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainRename");
  auto domain = co_await Get(args.dom);
  auto name = args.new_name.value_or("");
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainRename");
  if (name.empty()) throw Error(ErrorDomain::kDomain, ErrorCode::kInvalidArg, "string new_name in virDomainRename must not be empty");
  if (name.find('/') != std::string::npos)
    throw Error(ErrorDomain::kQemu, ErrorCode::kXmlError, fmt::format("name {} cannot contain '/'", name));
  RefuseDots(name);
  if (domain->active()) Invalid("cannot rename active domain");
  if (!domain->persistent) Invalid("cannot rename a transient domain");
  if (domain->has_managed_save) Invalid("cannot rename domain with a managed saved state");
  if (name == domain->name())
    throw Error(ErrorDomain::kDomain, ErrorCode::kOperationInvalid, "Can't rename domain to itself");
  if (domains_.FindName(name))
    throw Error(ErrorDomain::kDomain, ErrorCode::kOperationInvalid, fmt::format("domain with name '{}' already exists", name));

  auto old = domain->Ref();
  auto old_config = ConfigPath(*domain), old_link = AutostartPath(*domain);
  bool autostart = domain->autostart;
  // First the new file is made, then the old one goes: a crash in between leaves two names for one
  // UUID, of which the next start takes one.
  domains_.Rename(domain, name);
  domain->MutableConfig()->name = name;
  std::exception_ptr failure;
  try {
    co_await SaveConfig(domain);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    domains_.Rename(domain, old.name);
    domain->MutableConfig()->name = old.name;
    std::rethrow_exception(failure);
  }
  auto link = AutostartPath(*domain), target = ConfigPath(*domain);
  std::vector<std::pair<std::string, std::string>> moments;
  for (auto& directory : {config_->dirs.snapshot, config_->dirs.checkpoint}) moments.emplace_back(directory + "/" + old.name, directory + "/" + name);
  auto work = [=] {
    for (auto& [from, to] : moments) std::rename(from.c_str(), to.c_str());
    if (autostart) LinkAutostart(target, link, true, ErrorDomain::kQemu);
    RemoveDefinition(old_config, old_link, ErrorDomain::kQemu);
  };
  co_await Offload(std::move(work));
  events_.SendLifecycle(old, Lifecycle::kUndefined, undefined::kRenamed);
  events_.SendLifecycle(domain->Ref(), Lifecycle::kDefined, defined::kRenamed);
  co_return remote::DomainRenameRet{0};
}

// --- title, description, metadata ----------------------------------------------------------------

namespace {

[[noreturn]] void NoMetadata() {
  throw Error(ErrorDomain::kDomain, ErrorCode::kNoDomainMetadata, "Requested metadata element is not present");
}

// The child of <metadata> in namespace `uri`, as text at column 0; empty when there is none.
std::string MetadataElement(const std::string& metadata, const std::string& uri) {
  if (metadata.empty()) return {};
  auto document = xml::Document::Parse(metadata, ErrorDomain::kDomain, "metadata");
  for (auto* child = document.root().first_child; child; child = child->next) {
    if (child->kind != xml::Node::Kind::kElement || child->ns != uri) continue;
    xml::Writer out;
    out.Copy(*child, uri);
    auto text = out.Take();
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  return {};
}

// `metadata` without the child of namespace `uri`, and with `element` (already in that namespace)
// at its end.
std::string ReplaceMetadata(const std::string& metadata, const std::string& uri, const std::string& element) {
  xml::Writer out;
  auto mark = out.Open("metadata");
  if (!metadata.empty()) {
    auto document = xml::Document::Parse(metadata, ErrorDomain::kDomain, "metadata");
    for (auto* child = document.root().first_child; child; child = child->next) {
      if (child->kind == xml::Node::Kind::kElement && child->ns != uri) out.Copy(*child);
    }
  }
  if (!element.empty()) out.Verbatim(element);
  out.CloseUnlessEmpty("metadata", mark);
  auto text = out.Take();
  if (text.empty()) return text;
  // Once more through the parser: what a client gave is indented like the rest.
  auto document = xml::Document::Parse(text, ErrorDomain::kDomain, "metadata");
  xml::Writer indented(1);
  indented.Copy(document.root());
  return indented.Take();
}

// A client's element with its namespace declared under `key`: <key:name xmlns:key="uri">.
std::string QualifyElement(const std::string& xml_text, const std::string& key, const std::string& uri) {
  auto document = xml::Document::Parse(xml_text, ErrorDomain::kDomain, "metadata_xml");
  if (xmlValidateNCName(reinterpret_cast<const xmlChar*>(key.c_str()), 0) != 0)
    throw Error(ErrorDomain::kXml, ErrorCode::kInternalError, "failed to validate prefix for a new XML namespace");
  auto& root = document.root();
  xml::Writer out;
  auto prefixed = [&](const xml::Node& node) {
    auto prefix = node.ns.empty() ? key : std::string(node.prefix);
    return (prefix.empty() ? "" : prefix + ":") + std::string(node.name);
  };
  // Elements without a namespace of their own come into the client's.
  auto write = [&](auto&& self, const xml::Node& node, bool top) -> void {
    if (node.kind != xml::Node::Kind::kElement || (!node.ns.empty() && !top)) {
      out.Copy(node);
      return;
    }
    auto name = prefixed(node);
    out.Open(name);
    for (auto* d = node.namespaces; d; d = d->next)
      out.Attr(d->prefix.empty() ? "xmlns" : "xmlns:" + std::string(d->prefix), d->uri);
    if (top) out.Attr("xmlns:" + key, uri);
    for (auto* attribute = node.attributes; attribute; attribute = attribute->next)
      out.Attr(attribute->prefix.empty() ? std::string(attribute->name)
                                         : std::string(attribute->prefix) + ":" + std::string(attribute->name),
               attribute->value);
    if (!node.first_child && !node.text.empty()) {
      out.CloseWithText(name, node.text);
      return;
    }
    for (auto* child = node.first_child; child; child = child->next) self(self, *child, false);
    out.Close(name);
  };
  write(write, root, true);
  auto text = out.Take();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void ApplyMetadata(model::DomainDef& def, int type, const std::optional<std::string>& value, const std::string& key,
                   const std::string& uri) {
  if (type == kDescription) {
    def.description = value.value_or("");
  } else if (type == kTitle) {
    def.title = value.value_or("");
  } else {
    def.metadata = ReplaceMetadata(def.metadata, uri, value ? QualifyElement(*value, key, uri) : std::string());
  }
}

}  // namespace

Task<remote::DomainGetMetadataRet> QemuDriver::DomainGetMetadata(Call&, remote::DomainGetMetadataArgs args) {
  auto domain = co_await Get(args.dom);
  RefuseOtherFlags(args.flags, 3, ErrorDomain::kDomain, "virDomainObjGetMetadata");
  if (args.type > kElement) throw Error(ErrorDomain::kDomain, ErrorCode::kInvalidArg, "unknown metadata type");
  auto& def = DefFor(*domain, args.flags);
  std::string text;
  if (args.type == kDescription) text = def.description;
  if (args.type == kTitle) text = def.title;
  if (args.type == kElement) text = MetadataElement(def.metadata, args.uri.value_or(""));
  if (text.empty()) NoMetadata();
  co_return remote::DomainGetMetadataRet{text};
}

Task<> QemuDriver::DomainSetMetadata(Call&, remote::DomainSetMetadataArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainSetMetadata");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetMetadata");
  auto impact = ResolveImpact(*domain, args.flags);
  if (args.type < kDescription || args.type > kElement)
    throw Error(ErrorDomain::kDomain, ErrorCode::kInvalidArg, "unknown metadata type");
  auto defs = DefsFor(*domain, impact);
  for (auto* def : {defs.live, defs.config}) {
    if (def) ApplyMetadata(*def, args.type, args.metadata, args.key.value_or(""), args.uri.value_or(""));
  }
  co_await SaveChanged(domain, impact);
  events_.SendMetadataChange(domain->Ref(), args.type, args.uri);
}

namespace {

// Combinations that QEMU has no way to carry out.
void CheckLifecycle(const model::Lifecycle& lifecycle) {
  using model::LifecycleAction;
  auto refuse = [](const std::string& what) { throw Error(ErrorDomain::kQemu, ErrorCode::kConfigUnsupported, what); };
  auto reboot = lifecycle.on_reboot, poweroff = lifecycle.on_poweroff, crash = lifecycle.on_crash;
  if (reboot == LifecycleAction::kRestartRename || poweroff == LifecycleAction::kRestartRename ||
      crash == LifecycleAction::kRestartRename)
    refuse("qemu driver doesn't support the 'rename-restart' action");
  if (reboot == LifecycleAction::kPreserve || poweroff == LifecycleAction::kPreserve)
    refuse("qemu driver doesn't support the 'preserve' action for 'on_reboot'/'on_poweroff'");
  if (reboot == LifecycleAction::kDestroy && poweroff == LifecycleAction::kRestart)
    refuse("qemu driver doesn't support 'destroy' on reboot together with 'restart' on poweroff");
}

}  // namespace

Task<> QemuDriver::DomainSetLifecycleAction(Call&, remote::DomainSetLifecycleActionArgs args) {
  CheckFlags(args.flags, 3, "qemuDomainSetLifecycleAction");
  using model::LifecycleAction;
  auto domain = co_await Get(args.dom);
  enum { kPoweroff, kReboot, kCrash };
  if (args.type > kCrash)
    throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, fmt::format("invalid lifecycle type '{}'", args.type));
  if (args.action > static_cast<unsigned>(LifecycleAction::kCoredumpRestart))
    throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, fmt::format("invalid lifecycle action '{}'", args.action));
  auto action = static_cast<LifecycleAction>(args.action);
  // What a poweroff or reboot can lead to is less than what a crash can.
  if (args.type != kCrash && (action == LifecycleAction::kCoredumpDestroy || action == LifecycleAction::kCoredumpRestart))
    throw Error(ErrorDomain::kDomain, ErrorCode::kConfigUnsupported, "coredump actions are valid for crashes only");
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainSetLifecycleAction");
  auto impact = ResolveImpact(*domain, args.flags);
  auto defs = DefsFor(*domain, impact);
  auto set = [&](model::Lifecycle& lifecycle) {
    (args.type == kPoweroff ? lifecycle.on_poweroff : args.type == kReboot ? lifecycle.on_reboot : lifecycle.on_crash) = action;
  };
  for (auto* def : {defs.live, defs.config}) {
    if (!def) continue;
    auto next = def->lifecycle;
    set(next);
    CheckLifecycle(next);
  }
  if (impact.live && args.type == kReboot) {
    auto arguments = Json::Object();
    arguments.Set("reboot", action == LifecycleAction::kDestroy ? "shutdown" : "reset");
    co_await guests_->MonitorOf(domain).Execute("set-action", arguments);
  }
  // The guest may have ended meanwhile; what it would have become next time still holds.
  if (impact.live && domain->active()) set(domain->MutableDef().lifecycle);
  if (defs.config) set(defs.config->lifecycle);
  if (!domain->active()) impact.live = false;
  co_await SaveChanged(domain, impact);
}

}  // namespace bv::qemu
