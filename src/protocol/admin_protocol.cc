#include "protocol/admin_protocol.h"
#include "protocol/program_table.h"

namespace bv::admin {

constinit const rpc::Program kProgram{
    .id = 0x06900690, .version = 1, .name = "admin", .procedures = rpc::kTable<proc::At, 19>.data(), .count = 19};

}  // namespace bv::admin
