#pragma once

#include <functional>
#include <string>

#include "base/task.h"

// Documents held against the RELAX NG schemas that libvirt's client library brings along for everybody who writes such
// documents (/usr/share/libvirt/schemas). Hosts without that library have none; callers then go by what the description
// of the language says (model/describe).
namespace bv::xml {

// Holds `text` against a schema ("domain", for domain.rng) if that is `wanted`; a document that does not follow it throws
// kXmlInvalidSchema of kXml, which tells where. True when it was wanted and could not be done: there is no such schema,
// or the text is no document with that root, as whoever reads it will say. It takes some 30 ms, off the loop.
// `describe` holds a document that was refused against its description, which knows better what is wrong where: the
// XPath that it throws is told as well.
Task<bool> StillToValidate(bool wanted, std::string text, std::string schema, std::string root, std::function<void()> describe = nullptr);

}  // namespace bv::xml
