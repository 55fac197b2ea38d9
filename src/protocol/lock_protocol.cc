#include "protocol/lock_protocol.h"
#include "protocol/program_table.h"

namespace bv::lock_protocol {

constinit const rpc::Program kProgram{
    .id = 0x0ea7beef, .version = 1, .name = "lock", .procedures = rpc::kTable<proc::At, 8>.data(), .count = 8};

}  // namespace bv::lock_protocol
