#include "model/backup.h"

#include <charconv>

#include "base/error.h"
#include "base/xml.h"
#include "model/describe/engine.h"
#include "model/domain/domain.h"
#include "model/domain/storage_parts.h"
#include "model/moment_schema.h"

namespace bv::model {
namespace {

void ReadServer(Backup& backup, const xml::Node& server) {
  backup.server.name = server.AttrOr("name");
  backup.server.socket = server.AttrOr("socket");
  if (server.Attr("transport") == "unix") backup.server.transport = HostTransport::kUnix;
  auto port = server.AttrOr("port");
  std::from_chars(port.data(), port.data() + port.size(), backup.server.port);
  backup.tls = FromString<YesNo>(server.AttrOr("tls")).value_or(YesNo::kAbsent);
}

BackupDisk ReadDisk(Parser& p, const xml::Node& element, bool pull) {
  BackupDisk disk;
  disk.name = element.AttrOr("name");
  disk.wanted = element.Attr("backup") != "no";
  disk.store.type = element.Attr("type") == "block" ? StorageType::kBlock : StorageType::kFile;
  p.Value(element, "backupmode", disk.mode);
  disk.incremental = element.AttrOr("incremental");
  disk.exportname = element.AttrOr("exportname");
  disk.exportbitmap = element.AttrOr("exportbitmap");
  if (const xml::Node* driver = element.Child("driver")) p.Value(*driver, "type", disk.store.format, Fault::kXml, kNonZero);
  if (const xml::Node* store = element.Child(pull ? "scratch" : "target")) ReadStorageSource(p, disk.store, *store);
  return disk;
}

void WriteDisk(xml::Writer& out, const BackupDisk& disk, bool pull) {
  out.Open("disk");
  out.Attr("name", disk.name);
  out.Attr("backup", disk.wanted ? "yes" : "no");
  if (disk.wanted) {
    auto attribute = [&](const char* name, std::string_view value) {
      if (!value.empty()) out.Attr(name, value);
    };
    out.Attr("type", ToString(disk.store.type));
    attribute("backupmode", ToString(disk.mode));
    attribute("incremental", disk.incremental);
    attribute("exportname", disk.exportname);
    attribute("exportbitmap", disk.exportbitmap);
    if (disk.store.id) out.Attr("index", std::to_string(disk.store.id));
    out.Open("driver");
    out.Attr("type", ToString(disk.store.format));
    out.Close("driver");
    out.Open(pull ? "scratch" : "target");
    out.Attr(disk.store.type == StorageType::kBlock ? "dev" : "file", disk.store.path);
    out.Close(pull ? "scratch" : "target");
  }
  out.Close("disk");
}

}  // namespace

Backup ParseBackup(std::string_view xml, bool validate) {
  auto document = xml::Document::Parse(xml, ErrorDomain::kNone, "domain_backup", "domainbackup");
  const xml::Node& root = document.root();
  if (validate) CheckBackupSchema(root);
  Parser p(ErrorDomain::kNone, kParseInactive);
  Backup backup;
  backup.pull = root.Attr("mode") == "pull";
  backup.incremental = root.ChildText("incremental").value_or("");
  if (const xml::Node* server = root.Child("server")) ReadServer(backup, *server);
  const xml::Node* disks = root.Child("disks");
  backup.disks_given = disks != nullptr;
  for (auto* disk = disks ? disks->Child("disk") : nullptr; disk; disk = disk->Next("disk"))
    backup.disks.push_back(ReadDisk(p, *disk, backup.pull));
  return backup;
}

std::string FormatBackup(const Backup& backup) {
  xml::Writer out;
  out.Open("domainbackup");
  out.Attr("mode", backup.pull ? "pull" : "push");
  if (!backup.incremental.empty()) out.TextElement("incremental", backup.incremental);
  if (backup.pull) {
    out.Open("server");
    out.Attr("transport", ToString(backup.server.transport));
    if (backup.tls != YesNo::kAbsent) out.Attr("tls", ToString(backup.tls));
    if (!backup.server.name.empty()) out.Attr("name", backup.server.name);
    if (backup.server.port) out.Attr("port", std::to_string(backup.server.port));
    if (!backup.server.socket.empty()) out.Attr("socket", backup.server.socket);
    out.Close("server");
  }
  out.Open("disks");
  for (auto& disk : backup.disks) WriteDisk(out, disk, backup.pull);
  out.Close("disks");
  out.Close("domainbackup");
  return out.Take();
}

}  // namespace bv::model
