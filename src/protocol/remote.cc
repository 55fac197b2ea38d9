#include "protocol/remote.h"
#include "protocol/program_table.h"

namespace bv::remote {

constinit const rpc::Program kProgram{
    .id = 0x20008086, .version = 1, .name = "remote", .procedures = rpc::kTable<proc::At, 453>.data(), .count = 453};

}  // namespace bv::remote
