#pragma once

#include "model/storage_pool.h"

// <adapter> of a SCSI pool.
namespace bv::model {

extern const Description<PoolAdapter> kPoolAdapterXml;

// Throws when what stands in it does not go together.
void CheckPoolAdapter(const Parser& parser, const PoolAdapter& adapter);

}  // namespace bv::model
