#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/domain/domain.h"
#include "model/domain/domain_schema.h"

// What <domainsnapshot> and <domaincheckpoint> have in common: both are moments of a guest.
namespace bv::model {

struct Moment {
  std::string name;  // empty: the driver makes one of the time
  std::string description;
  std::string parent;
  std::int64_t creation_time = 0;  // seconds since the epoch; 0 is not written
  // Read as it stands in the document: its hypervisor's defaults are the driver's to make.
  std::unique_ptr<DomainDef> domain;
  // Of the <domain> inside, even when there is no more of it than that.
  std::optional<Uuid> domain_uuid;
};

enum : unsigned {
  kMomentRedefine = 1 << 0,  // everything that a new moment would get by itself must be there
  kMomentValidate = 1 << 1,  // the document is held against its schema
  kMomentStored = 1 << 2,    // one of the daemon's own files, which says whether a snapshot is the current one
  kMomentOffline = 1 << 3,   // of a guest that does not run, or of its disks only
};

// Parts of both languages' parsers.
void ReadMomentName(Moment& moment, const xml::Node& root, unsigned flags, ErrorDomain domain, const char* what);
void ReadMomentPast(Moment& moment, const xml::Node& root, ErrorDomain domain, const char* what);
void ReadMomentDomain(Moment& moment, const xml::Node& root, unsigned flags);
void WriteMomentParent(xml::Writer& out, const Moment& moment);
void WriteMomentTime(xml::Writer& out, const Moment& moment);

// How a definition is read that stands inside of a moment: completing it is up to the driver.
inline constexpr unsigned kParseInner = kParseInactive | kParseSkipChecks;

}  // namespace bv::model
