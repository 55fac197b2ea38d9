#pragma once

#include <string>
#include <string_view>

#include "model/domain/domain.h"

// One device by itself: what attach, detach and update calls are given.
namespace bv::model {

// For ParseDevice() beside other flags: a <disk> that is a source only, and need not say where in a guest it is.
inline constexpr unsigned kParseDiskSource = 1u << 7;

// Reads a device element ("<disk>...") into the list of `def` that such devices are in; an otherwise
// empty definition then holds exactly this device. `flags` as for ParseDomain(). Throws as the
// domain parser does, kXmlError for an element that is no device.
void ParseDevice(std::string_view xml, unsigned flags, DomainDef& def);

// The device elements of `def`, one after the other, without anything around them.
std::string FormatDevices(const DomainDef& def, unsigned flags);

}  // namespace bv::model
