#pragma once

#include "model/describe/engine.h"
#include "model/domain/chardev.h"

// The host side of a character device: <source>, <protocol>, <log> below the element whose type
// attribute says what it is.
namespace bv::model {

// Reads all of it; source.type must be set already.
void ReadChardevSource(Parser& parser, ChardevSource& source, const xml::Node& element);
// What the type needs to be complete. `may_lack_path`: one that the driver chooses.
void CheckChardevSource(const ChardevSource& source, bool may_lack_path = false);
void WriteChardevSource(Formatter& formatter, const ChardevSource& source);

}  // namespace bv::model
