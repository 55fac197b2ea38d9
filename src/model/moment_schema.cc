#include "model/moment_schema.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "base/error.h"

namespace bv::model {
namespace {

using Names = std::initializer_list<std::string_view>;

[[noreturn]] void Invalid(const xml::Node& node, std::string_view what) {
  throw Error(ErrorDomain::kXml, ErrorCode::kXmlInvalidSchema, xml::PathOf(node) + ": " + std::string(what));
}

bool OneOf(std::string_view text, Names names) { return std::ranges::find(names, text) != names.end(); }
bool IsAbsolute(std::string_view path) { return path.size() > 1 && path[0] == '/'; }

bool IsUnsignedLong(std::string_view text) {
  std::uint64_t value;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

bool IsWordCharacter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

bool IsTargetDevice(std::string_view text) {
  if (text.starts_with("ioemu:")) text.remove_prefix(6);
  for (std::string_view bus : {"xvd", "ubd", "fd", "hd", "sd", "vd"}) {
    if (text.starts_with(bus)) return text.size() > bus.size() && std::ranges::all_of(text.substr(bus.size()), IsWordCharacter);
  }
  return false;
}

bool IsCheckpointName(std::string_view text) {
  auto allowed = [](char c) { return IsWordCharacter(c) || c == '-' || c == '.'; };
  return !text.empty() && text[0] != '.' && std::ranges::all_of(text, allowed);
}

// Only these elements, each at most once (unless `repeated`), and no text between them.
void CheckChildren(const xml::Node& node, Names allowed, bool repeated = false) {
  if (!node.first_child && node.text.find_first_not_of(" \t\r\n") != std::string_view::npos) Invalid(node, "unexpected text");
  for (auto* child = node.first_child; child; child = child->next) {
    if (child->kind == xml::Node::Kind::kText && child->text.find_first_not_of(" \t\r\n") != std::string_view::npos) Invalid(node, "unexpected text");
    if (child->kind != xml::Node::Kind::kElement) continue;
    if (!child->ns.empty() || !OneOf(child->name, allowed)) Invalid(*child, "unexpected element");
    if (!repeated && child->Next(child->name)) Invalid(*child, "element may be there once");
  }
}

void CheckAttributes(const xml::Node& node, Names allowed) {
  for (auto* attribute = node.attributes; attribute; attribute = attribute->next) {
    if (!attribute->prefix.empty() || !OneOf(attribute->name, allowed)) Invalid(node, "unexpected attribute '" + std::string(attribute->name) + "'");
  }
}

void CheckPlain(const xml::Node& root, Names names) {
  for (auto name : names) {
    auto* node = root.Child(name);
    if (!node) continue;
    CheckAttributes(*node, {});
    for (auto* child = node->first_child; child; child = child->next) {
      if (child->kind == xml::Node::Kind::kElement) Invalid(*child, "unexpected element");
    }
  }
}

void CheckDiskName(const xml::Node& disk) {
  auto name = disk.Attr("name");
  if (!name || (!IsTargetDevice(*name) && !IsAbsolute(*name))) Invalid(disk, "invalid disk name");
}

void CheckSnapshotSource(const xml::Node& source, std::string_view type) {
  if (type == "file") {
    CheckAttributes(source, {"file", "fdgroup"});
    CheckChildren(source, {"seclabel", "slices", "encryption"}, true);
    if (auto file = source.Attr("file"); file && !IsAbsolute(*file)) Invalid(source, "invalid path");
  } else if (type == "block") {
    CheckAttributes(source, {"dev"});
    CheckChildren(source, {"seclabel", "slices", "encryption"}, true);
    if (auto dev = source.Attr("dev"); !dev || !IsAbsolute(*dev)) Invalid(source, "invalid path");
  } else {
    if (!source.Attr("protocol")) Invalid(source, "missing attribute 'protocol'");
  }
}

void CheckSnapshotDisk(const xml::Node& disk) {
  CheckDiskName(disk);
  auto location = disk.Attr("snapshot");
  if (location && OneOf(*location, {"no", "internal", "manual"})) {
    CheckAttributes(disk, {"name", "snapshot"});
    CheckChildren(disk, {});
    return;
  }
  if (location && *location != "external") Invalid(disk, "invalid attribute 'snapshot'");
  CheckAttributes(disk, {"name", "snapshot", "type"});
  CheckChildren(disk, {"source", "driver"});
  auto type = disk.Attr("type").value_or("file");
  if (!OneOf(type, {"file", "block", "network"})) Invalid(disk, "invalid attribute 'type'");
  auto* source = disk.Child("source");
  if (!source && type == "network") Invalid(disk, "missing element 'source'");
  if (source) CheckSnapshotSource(*source, type);
  auto* driver = disk.Child("driver");
  if (!driver) return;
  CheckAttributes(*driver, {"type"});
  CheckChildren(*driver, {"metadata_cache"});
  if (auto format = driver->Attr("type"); format && !OneOf(*format, {"cow", "qcow", "qcow2", "qed", "vmdk"})) Invalid(*driver, "invalid attribute 'type'");
}

void CheckMemory(const xml::Node& memory) {
  CheckAttributes(memory, {"snapshot", "file"});
  CheckChildren(memory, {});
  auto location = memory.Attr("snapshot"), file = memory.Attr("file");
  bool in_file = file && IsAbsolute(*file) && location.value_or("external") == "external";
  bool elsewhere = !file && location && OneOf(*location, {"no", "internal"});
  if (!in_file && !elsewhere) Invalid(memory, "invalid attributes");
}

const xml::Node* CheckParent(const xml::Node& root) {
  auto* parent = root.Child("parent");
  if (!parent) return nullptr;
  CheckAttributes(*parent, {});
  CheckChildren(*parent, {"name"});
  if (!parent->Child("name")) Invalid(*parent, "missing element 'name'");
  return parent;
}

}  // namespace

void CheckSnapshotSchema(const xml::Node& root) {
  CheckAttributes(root, {});
  CheckChildren(root, {"name", "description", "state", "creationTime", "memory", "disks", "active", "domain", "inactiveDomain", "parent", "cookie"});
  CheckPlain(root, {"name", "description", "state", "creationTime", "active"});
  if (auto state = root.ChildText("state"); state && !OneOf(*state, {"running", "blocked", "paused", "shutdown", "shutoff", "crashed", "disk-snapshot"}))
    Invalid(root, "invalid state");
  if (auto active = root.ChildText("active"); active && !OneOf(*active, {"0", "1"})) Invalid(root, "invalid text of element 'active'");
  if (auto* memory = root.Child("memory")) CheckMemory(*memory);
  CheckParent(root);
  if (auto* disks = root.Child("disks")) {
    CheckAttributes(*disks, {});
    CheckChildren(*disks, {"disk"}, true);
    for (auto* disk = disks->Child("disk"); disk; disk = disk->Next("disk")) CheckSnapshotDisk(*disk);
  }
  if (auto* domain = root.Child("domain"); domain && !domain->Attr("type")) {
    CheckAttributes(*domain, {});
    CheckChildren(*domain, {"uuid"});
    if (!domain->Child("uuid")) Invalid(*domain, "missing element 'uuid'");
  }
}

void CheckCheckpointSchema(const xml::Node& root) {
  CheckAttributes(root, {});
  CheckChildren(root, {"name", "description", "creationTime", "disks", "domain", "parent"});
  CheckPlain(root, {"name", "description", "creationTime"});
  if (auto name = root.ChildText("name"); name && !IsCheckpointName(*name)) Invalid(root, "invalid name");
  if (auto time = root.ChildText("creationTime"); time && !IsUnsignedLong(*time)) Invalid(root, "invalid creationTime");
  if (auto* parent = CheckParent(root); parent && !IsCheckpointName(*parent->ChildText("name"))) Invalid(*parent, "invalid name");
  if (auto* disks = root.Child("disks")) {
    CheckAttributes(*disks, {});
    CheckChildren(*disks, {"disk"}, true);
    if (!disks->Child("disk")) Invalid(*disks, "missing element 'disk'");
    for (auto* disk = disks->Child("disk"); disk; disk = disk->Next("disk")) {
      CheckDiskName(*disk);
      CheckChildren(*disk, {});
      auto type = disk->Attr("checkpoint");
      if (type && !OneOf(*type, {"no", "bitmap"})) Invalid(*disk, "invalid attribute 'checkpoint'");
      if (type == "no") CheckAttributes(*disk, {"name", "checkpoint"});
      else CheckAttributes(*disk, {"name", "checkpoint", "bitmap", "size"});
      if (auto size = disk->Attr("size"); size && !IsUnsignedLong(*size)) Invalid(*disk, "invalid attribute 'size'");
    }
  }
  if (auto* domain = root.Child("domain"); domain && !domain->Attr("type")) Invalid(*domain, "missing attribute 'type'");
}

namespace {

void CheckBackupServer(const xml::Node& server) {
  auto transport = server.Attr("transport").value_or("tcp");
  CheckChildren(server, {});
  if (transport == "tcp") {
    CheckAttributes(server, {"transport", "tls", "name", "port"});
    if (server.AttrOr("name").empty()) Invalid(server, "missing attribute 'name'");
    if (auto port = server.Attr("port"); port && !IsUnsignedLong(*port)) Invalid(server, "invalid attribute 'port'");
  } else if (transport == "unix") {
    CheckAttributes(server, {"transport", "tls", "socket"});
    if (!IsAbsolute(server.AttrOr("socket"))) Invalid(server, "invalid attribute 'socket'");
  } else {
    Invalid(server, "invalid attribute 'transport'");
  }
}

void CheckBackupDisk(const xml::Node& disk, bool pull) {
  if (!IsTargetDevice(disk.AttrOr("name"))) Invalid(disk, "invalid disk name");
  if (pull) CheckAttributes(disk, {"name", "backup", "type", "backupmode", "incremental", "exportname", "exportbitmap"});
  else CheckAttributes(disk, {"name", "backup", "type", "backupmode", "incremental"});
  auto backup = disk.Attr("backup");
  if (backup && !OneOf(*backup, {"yes", "no"})) Invalid(disk, "invalid attribute 'backup'");
  if (auto mode = disk.Attr("backupmode"); mode && !OneOf(*mode, {"full", "incremental"})) Invalid(disk, "invalid attribute 'backupmode'");
  auto type = disk.Attr("type");
  const char* place = pull ? "scratch" : "target";
  if (backup == "no") {
    if (type) Invalid(disk, "unexpected attribute 'type'");
    CheckChildren(disk, {});
    return;
  }
  if (!type && (!pull || backup)) Invalid(disk, "missing attribute 'type'");
  if (type && !OneOf(*type, {"file", "block"})) Invalid(disk, "invalid attribute 'type'");
  CheckChildren(disk, {place, "driver"});
  if (auto* driver = disk.Child("driver")) {
    CheckAttributes(*driver, {"type"});
    CheckChildren(*driver, {});
    if (pull && driver->AttrOr("type") != "qcow2") Invalid(*driver, "invalid attribute 'type'");
  }
  if (auto* store = disk.Child(place)) {
    const char* attribute = type == "block" ? "dev" : "file";
    CheckAttributes(*store, {attribute});
    CheckChildren(*store, {"seclabel", "encryption"}, true);
    if (!IsAbsolute(store->AttrOr(attribute))) Invalid(*store, "invalid path");
  }
}

}  // namespace

void CheckBackupSchema(const xml::Node& root) {
  auto mode = root.Attr("mode").value_or("push");
  if (!OneOf(mode, {"push", "pull"})) Invalid(root, "invalid attribute 'mode'");
  bool pull = mode == "pull";
  CheckAttributes(root, {"mode"});
  if (pull) CheckChildren(root, {"incremental", "server", "disks"});
  else CheckChildren(root, {"incremental", "disks"});
  CheckPlain(root, {"incremental"});
  auto* server = root.Child("server");
  if (pull && !server) Invalid(root, "missing element 'server'");
  if (server) CheckBackupServer(*server);
  auto* disks = root.Child("disks");
  if (!disks) return;
  CheckAttributes(*disks, {});
  CheckChildren(*disks, {"disk"}, true);
  if (!disks->Child("disk")) Invalid(*disks, "missing element 'disk'");
  for (auto* disk = disks->Child("disk"); disk; disk = disk->Next("disk")) CheckBackupDisk(*disk, pull);
}

}  // namespace bv::model
