#include "protocol/lxc_protocol.h"
#include "protocol/program_table.h"

namespace bv::lxc_protocol {

constinit const rpc::Program kProgram{
    .id = 0x00068000, .version = 1, .name = "lxc", .procedures = rpc::kTable<proc::At, 1>.data(), .count = 1};

}  // namespace bv::lxc_protocol
