// What RELAX NG uses of libxml2's XML Schema (see libxml2_without.cc), which would bring 400 kB along: the limits that
// <param> sets for values.
#include <libxml/schemasInternals.h>
#include <libxml/xmlschemas.h>
#include <libxml/xmlschemastypes.h>

#include <cstdlib>

extern "C" {

xmlSchemaFacetPtr xmlSchemaNewFacet() { return static_cast<xmlSchemaFacetPtr>(calloc(1, sizeof(xmlSchemaFacet))); }

// Makes of the limit's text what values are compared with: 0, or not when the text is none for such a limit.
int xmlSchemaCheckFacet(xmlSchemaFacetPtr facet, xmlSchemaTypePtr type, xmlSchemaParserCtxtPtr, const xmlChar*) {
  switch (facet->type) {
    case XML_SCHEMA_FACET_PATTERN:
      facet->regexp = xmlRegexpCompile(facet->value);
      return facet->regexp ? 0 : -1;
    case XML_SCHEMA_FACET_MININCLUSIVE:
    case XML_SCHEMA_FACET_MINEXCLUSIVE:
    case XML_SCHEMA_FACET_MAXINCLUSIVE:
    case XML_SCHEMA_FACET_MAXEXCLUSIVE:
      return xmlSchemaValPredefTypeNode(type, facet->value, &facet->val, nullptr);
    default:  // lengths
      return xmlSchemaValPredefTypeNode(xmlSchemaGetBuiltInType(XML_SCHEMAS_NNINTEGER), facet->value, &facet->val, nullptr);
  }
}

void xmlSchemaFreeFacet(xmlSchemaFacetPtr facet) {
  if (!facet) return;
  if (facet->val) xmlSchemaFreeValue(facet->val);
  if (facet->regexp) xmlRegFreeRegexp(facet->regexp);
  free(facet);
}

// Of types that a schema's document makes: there are none but the built-in ones, which stay.
void xmlSchemaFreeType(xmlSchemaTypePtr) {}
void xmlSchemaFreeWildcard(xmlSchemaWildcardPtr) {}

}
