#include "rpc/api.h"

#include <cctype>
#include <cstring>
#include <string_view>

namespace bv::rpc {

namespace {

// How the public API spells the words of our names that it does not spell like words.
struct Spelling {
  std::string_view word, api;
};
constexpr Spelling kSpellings[] = {
    {"Cpu", "CPU"},           {"Dhcp", "DHCP"},         {"Fd", "FD"},       {"Fsfreeze", "FSFreeze"},
    {"Fsinfo", "FSInfo"},     {"Fsthaw", "FSThaw"},     {"Fstrim", "FSTrim"}, {"Id", "ID"},
    {"Iothread", "IOThread"}, {"Mac", "MAC"},           {"Nmi", "NMI"},     {"Nwfilter", "NWFilter"},
    {"Nwfilters", "NWFilters"}, {"Os", "OS"},           {"Pm", "PM"},       {"Scsi", "SCSI"},
    {"Sev", "SEV"},           {"Ssh", "SSH"},           {"Uri", "URI"},     {"Uuid", "UUID"},
    {"Wwn", "WWN"},           {"Xml", "XML"},
};

std::string_view Spell(std::string_view word) {
  for (const Spelling& spelling : kSpellings) {
    if (spelling.word == word) return spelling.api;
  }
  return word;
}

// Which part of the API a name belongs to, by the first of these it contains.
struct Part {
  std::string_view word;
  ErrorDomain domain;
};
constexpr Part kParts[] = {
    {"Network", ErrorDomain::kNetwork},         {"Storage", ErrorDomain::kStorage},
    {"NodeDevice", ErrorDomain::kNodedev},      {"NodeNumOfDevices", ErrorDomain::kNodedev},
    {"NodeListDevices", ErrorDomain::kNodedev}, {"Interface", ErrorDomain::kInterface},
    {"Secret", ErrorDomain::kSecret},           {"Nwfilter", ErrorDomain::kNwfilter},
};

constexpr std::string_view kMainProgram = "remote";

uint32_t ArgumentAt(const void* args, uint16_t offset) {
  uint32_t value = 0;
  if (offset != Procedure::kNoOffset) std::memcpy(&value, static_cast<const char*>(args) + offset, sizeof value);
  return value;
}

}  // namespace

std::string ApiName(const Program& program, const Procedure& procedure) {
  std::string_view name = procedure.info->name;
  std::string result = "vir";
  bool marked = program.name == kMainProgram;
  while (!name.empty()) {
    size_t end = 1;
    while (end < name.size() && !std::isupper(static_cast<unsigned char>(name[end]))) ++end;
    result += Spell(name.substr(0, end));
    // The extra libraries' functions carry their name after the object's.
    if (!marked && name.substr(0, end) == "Domain") {
      result += program.name;
      result[result.size() - std::strlen(program.name)] &= ~0x20;
      marked = true;
    }
    name.remove_prefix(end);
  }
  return result;
}

ErrorDomain ApiDomain(const Program& program, const Procedure& procedure) {
  if (program.name != kMainProgram) return ErrorDomain::kNone;
  std::string_view name = procedure.info->name;
  if (name.find("Snapshot") != name.npos) return ErrorDomain::kDomainSnapshot;
  if (name.find("Checkpoint") != name.npos) return ErrorDomain::kDomainCheckpoint;
  if (name.starts_with("Domain")) return ErrorDomain::kDomain;
  for (const Part& part : kParts) {
    if (name.find(part.word) != name.npos) return part.domain;
  }
  return ErrorDomain::kDomain;
}

bool Applies(const AclRow& row, const Procedure& procedure, const void* args) {
  switch (row.when) {
    case AclRow::When::kAlways: return true;
    case AclRow::When::kAllSet: return (ArgumentAt(args, procedure.flags_offset) & row.value) == row.value;
    case AclRow::When::kAllClear: return (ArgumentAt(args, procedure.flags_offset) & row.value) == 0;
    case AclRow::When::kEquals: return ArgumentAt(args, procedure.source_offset) == row.value;
  }
  return true;
}

void CheckReadOnly(const Program& program, const Procedure& procedure, const void* args) {
  if (procedure.info->read_only == ReadOnly::kAllowed) return;
  for (const AclRow& row : procedure.info->acl) {
    if (ReadOnlyAllows(row.need) && procedure.info->read_only != ReadOnly::kRefused) continue;
    if (!Applies(row, procedure, args)) continue;
    std::string name = ApiName(program, procedure);
    throw Error(ApiDomain(program, procedure), ErrorCode::kOperationDenied,
                PermissionName(row.need) == "read_secure" && row.when != AclRow::When::kAlways
                    ? name + " with secure flag"
                    : "read only access prevents " + name);
  }
}

Error NoSupport(const Program& program, const Procedure& procedure) {
  return Error(ApiDomain(program, procedure), ErrorCode::kNoSupport, ApiName(program, procedure));
}

}  // namespace bv::rpc
