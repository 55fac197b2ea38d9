#include "protocol/log_protocol.h"
#include "protocol/program_table.h"

namespace bv::log_protocol {

constinit const rpc::Program kProgram{
    .id = 0x87539319, .version = 1, .name = "log", .procedures = rpc::kTable<proc::At, 4>.data(), .count = 4};

}  // namespace bv::log_protocol
