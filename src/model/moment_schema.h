#pragma once

#include "base/xml.h"

// The schemas of <domainsnapshot>, <domaincheckpoint> and <domainbackup>, but for the definitions inside. A document that
// does not follow them throws kXmlInvalidSchema of kXml, as libvirt's schema validation does.
namespace bv::model {

void CheckSnapshotSchema(const xml::Node& root);
void CheckCheckpointSchema(const xml::Node& root);
void CheckBackupSchema(const xml::Node& root);

}  // namespace bv::model
