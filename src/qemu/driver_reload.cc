// Definitions that are on disk: read at the start, and again on SIGHUP. As in libvirt, what is new or has changed there
// comes in then, and what has gone from there stays.

#include <fmt/core.h>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/turn.h"
#include "daemon/definition_files.h"
#include "qemu/driver.h"
#include "qemu/moment_store.h"

namespace bv::qemu {
namespace {

constexpr const char* kSource = "qemu.qemu_driver";
using namespace std::chrono_literals;

struct Identity {
  std::string name;
  Uuid uuid;
};

// Asked of the parser where the text does not tell it at a glance. Throws its errors.
Identity IdentityOf(const DefinitionFile& file) {
  auto uuid = Uuid::Parse(file.uuid);
  if (uuid && !file.name.empty()) return {file.name, *uuid};
  auto def = model::ParseDomain(file.text, model::kParseInactive);
  return {def.name, def.uuid};
}

void LogUnusable(const std::string& path, const std::exception& error) {
  auto begin = path.rfind('/') + 1;
  LogError(kSource, "Failed to load config for domain '{}': {}", path.substr(begin, path.rfind('.') - begin), error.what());
}

}  // namespace

void QemuDriver::LoadDefinitions() {
  for (auto& file : ReadDefinitions(config_->dirs.config, config_->dirs.autostart)) {
    auto path = file.path;
    try {
      AddDefinition(std::move(file));
    } catch (const Error& error) {
      LogUnusable(path, error);
    }
  }
}

DomainPtr QemuDriver::AddDefinition(DefinitionFile file) {
  auto identity = IdentityOf(file);
  if (domains_.FindSame(identity.name, identity.uuid))
    throw Error(ErrorDomain::kDomain, ErrorCode::kOperationFailed,
                fmt::format("domain '{}' is already defined by another file", identity.name));
  auto domain = std::make_shared<Domain>(identity.name, identity.uuid);
  domain->persistent = true;
  domain->autostart = file.autostart;
  domain->has_managed_save = FileExists(SavePath(*domain));
  domain->jobs.set_max_queued(config_->max_queued);
  domain->on_disk = TextHash(file.text);
  domain->SetUnparsed(std::move(file.text));
  moments_->Load(domain);
  domains_.Add(domain);
  return domain;
}

// Definitions are parsed when they are needed, which for most is never; those that do not parse are
// found in the background and dropped, as libvirt does at its start.
Task<> QemuDriver::CheckDefinitions() {
  for (auto& domain : domains_.All()) {
    co_await Sleep(2ms);
    if (domain->parsed() || domain->removed) continue;
    try {
      model::ParseDomain(domain->unparsed(), model::kParseInactive);
    } catch (const Error& error) {
      LogError(kSource, "dropping the definition of '{}': {}", domain->name(), error.message);
      if (!domain->active() && !domain->removed) domains_.Remove(domain);
    }
  }
}

Task<> QemuDriver::Reload() {
  auto read = [dirs = config_->dirs] { return ReadDefinitions(dirs.config, dirs.autostart); };
  auto files = co_await Offload(read);
  for (auto& file : files) {
    co_await Breathe();
    co_await ReloadDefinition(std::move(file));
  }
}

Task<> QemuDriver::ReloadDefinition(DefinitionFile file) {
  auto path = file.path;
  try {
    auto identity = IdentityOf(file);
    if (auto domain = domains_.FindSame(identity.name, identity.uuid)) {
      if (domain->persistent && domain->autostart == file.autostart && domain->on_disk == TextHash(file.text)) co_return;
      // One that is busy does not keep the others waiting.
      bool busy = domain->jobs.active() != Job::kNone || domain->jobs.async() != AsyncJob::kNone;
      if (busy) Spawn(TakeOver(domain, path), "reload");
      if (!busy) co_await TakeOver(domain, path);
      co_return;
    }
    model::ParseDomain(file.text, model::kParseInactive);
    if (!FileExists(path)) co_return;  // a client has undefined it since it was read
    auto domain = AddDefinition(std::move(file));
    events_.SendLifecycle(domain->Ref(), Lifecycle::kDefined, defined::kAdded);
  } catch (const Error& error) {
    LogUnusable(path, error);
  }
}

// What the file says becomes the definition, that of the next start where the domain runs. It is read once more, since calls
// that change the definition write it.
Task<> QemuDriver::TakeOver(DomainPtr domain, std::string path) {
  try {
    auto turn = co_await domain->jobs.Begin(Job::kModify, "reload");
    auto read = [path, links = config_->dirs.autostart] { return ReadDefinition(path, links); };
    auto file = co_await Offload(read);
    if (!file || domain->removed) co_return;
    bool added = domain->parsed() && !domain->config();
    if (domain->parsed()) {
      auto def = co_await ReadStored(file->text);
      if (domains_.FindSame(def->name, def->uuid) != domain) co_return;
      domain->SetConfig(std::move(def));
    } else {
      auto def = model::ParseDomain(file->text, model::kParseInactive);
      if (domains_.FindSame(def.name, def.uuid) != domain) co_return;
      domain->SetUnparsed(file->text);
    }
    domain->persistent = true;
    domain->autostart = file->autostart;
    domain->on_disk = TextHash(file->text);
    if (added) events_.SendLifecycle(domain->Ref(), Lifecycle::kDefined, defined::kAdded);
  } catch (const Error& error) {
    LogUnusable(path, error);
  }
}

}  // namespace bv::qemu
