#pragma once

#include <string>
#include <string_view>

#include "model/cpu.h"

namespace bv::cpu {

// <cpu> as a document of its own, as the CPU calls have it. Errors are those of libvirt (kCpu, or kXml
// for a bad attribute). kAuto: a host's CPU if it names an architecture, else a guest's. `validate` asks
// for the schema to be kept as well: kXmlInvalidSchema.
model::CpuDef ParseCpu(std::string_view xml, model::CpuType type, bool validate = false);

std::string FormatCpu(const model::CpuDef& cpu);

}  // namespace bv::cpu
