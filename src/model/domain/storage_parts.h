#pragma once

#include "model/describe/engine.h"
#include "model/domain/storage_source.h"

// <source> of everything that has a storage source.
namespace bv::model {

// Reads <source>; the source's type must be set already.
void ReadStorageSource(Parser& parser, StorageSource& source, const xml::Node& element);

struct SourceFormatOptions {
  bool keep_empty = false;  // write <source/> even when nothing is in it
};
// Writes <source>, unless it is empty.
void WriteStorageSource(Formatter& formatter, const StorageSource& source, SourceFormatOptions options);

// <source> of an iSCSI hostdev, which has its parts in another order.
void WriteIscsiHostdevSource(Formatter& formatter, const StorageSource& source);

// <metadata_cache> of <driver> or <format>.
void ReadMetadataCache(Parser& parser, StorageSource& source, const xml::Node& element);
void WriteMetadataCache(Formatter& formatter, const StorageSource& source);

// <backingStore> below `element`, and below that, for the whole chain.
void ReadBackingChain(Parser& parser, StorageSource& source, const xml::Node& element);
void WriteBackingChain(Formatter& formatter, const StorageSource& source);

// Overrides without a label say nothing that a definition would have to keep.
void WriteDeviceSeclabels(Formatter& f, const std::vector<DeviceSeclabel>& labels);

}  // namespace bv::model
