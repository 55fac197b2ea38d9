#pragma once

#include "base/xml.h"

namespace bv::model {

// A definition within a larger document, as kParseValidate has it: throws kXmlInvalidSchema for elements and
// attributes that are not the language's.
void ValidateDomainElement(const xml::Node& element);

}  // namespace bv::model
