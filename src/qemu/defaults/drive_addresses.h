#pragma once

#include <optional>
#include <string_view>

#include "model/domain/domain.h"

namespace bv::qemu {

// "sda" is 0, "vdb" 1, "sdaa" 26: the number in a disk's target name, whose letters follow one of the
// known prefixes. `partition`, if given, receives the digits behind (0: none). Nullopt: no such name.
std::optional<unsigned> DiskNameIndex(std::string_view name, unsigned* partition = nullptr);

// Controller, bus and unit that follow from the target name. Throws kXmlError or kConfigUnsupported
// (domain kDomain).
void AssignDriveAddress(const model::DomainDef& def, model::Disk& disk);

// A SCSI device of the host goes to the first free unit.
void AssignScsiHostdevAddress(const model::DomainDef& def, model::Hostdev& hostdev);

}  // namespace bv::qemu
