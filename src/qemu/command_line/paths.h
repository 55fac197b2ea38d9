#pragma once

#include <string>

#include "qemu/command_line/context.h"

namespace bv::qemu {

// "ID-NAME" with at most 20 characters of the name; -1 stands for the id of a guest that does not
// run. Directories of a running guest are named so.
std::string ShortName(const model::DomainDef& def);
// The guest's own directory: "/var/lib/libvirt/qemu/domain-1-vm".
std::string DomainLibDir(const Context& context);
// Where channels that libvirt names have their sockets.
std::string ChannelTargetDir(const model::DomainDef& def, const QemuConfig& config);
// The file that holds a region of the guest's memory when it is shared by file.
std::string MemoryBackingFile(const Context& context, std::string_view alias);

// The hugetlbfs mount with pages of that size, 0 for the default one. Throws kInternalError when
// there is none.
HostQueries::HugetlbfsMount FindHugetlbfsMount(const Context& context, model::KiB page_size);
// The guest's directory on it.
std::string HugepageDirectory(const Context& context, model::KiB page_size);

}  // namespace bv::qemu
