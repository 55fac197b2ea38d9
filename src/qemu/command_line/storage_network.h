#pragma once

#include <vector>

#include "qemu/command_line/storage.h"

namespace bv::qemu {

// The node that reads an image over the network, and what it needs made before: secrets of
// <auth> and cookies, TLS credentials.
Props DescribeNetworkStorage(const model::StorageSource& source, const BlockNames& names, const Context& context);
void AppendNetworkObjects(const model::StorageSource& source, const BlockNames& names, const Context& context,
                          std::vector<Props>* objects);

}  // namespace bv::qemu
