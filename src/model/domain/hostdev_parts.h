#pragma once

#include "model/describe/engine.h"
#include "model/domain/hostdev.h"

namespace bv::model {

// <source> of an <interface type='hostdev'>.
void ReadHostdevSource(Parser& parser, Hostdev& hostdev, const xml::Node& interface_element);
void WriteHostdevSource(Formatter& formatter, const Hostdev& hostdev);

}  // namespace bv::model
