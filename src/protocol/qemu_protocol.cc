#include "protocol/qemu_protocol.h"
#include "protocol/program_table.h"

namespace bv::qemu_protocol {

constinit const rpc::Program kProgram{
    .id = 0x20008087, .version = 1, .name = "qemu", .procedures = rpc::kTable<proc::At, 7>.data(), .count = 7};

}  // namespace bv::qemu_protocol
