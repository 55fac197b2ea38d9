#pragma once

// Walks all declared procedures of all programs.

#include <fstream>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "protocol/admin_protocol.h"
#include "protocol/lock_protocol.h"
#include "protocol/log_protocol.h"
#include "protocol/lxc_protocol.h"
#include "protocol/qemu_protocol.h"
#include "protocol/remote.h"

namespace bv {

inline const rpc::Program* const kPrograms[] = {&remote::kProgram,       &qemu_protocol::kProgram,
                                                &lxc_protocol::kProgram, &admin::kProgram,
                                                &log_protocol::kProgram, &lock_protocol::kProgram};

struct Payload {
  const rpc::Program* program;
  const rpc::Procedure* procedure;
  const char* part;  // "args", "ret" or "msg"
  const xdr::Type* type;
  std::string Name() const { return std::string(program->name) + "." + procedure->info->name + " " + part; }
};

inline std::vector<Payload> AllPayloads() {
  std::vector<Payload> all;
  for (const rpc::Program* program : kPrograms) {
    for (uint32_t i = 0; i < program->count; ++i) {
      const rpc::Procedure& procedure = program->procedures[i];
      if (procedure.args) all.push_back({program, &procedure, "args", procedure.args});
      if (procedure.ret) all.push_back({program, &procedure, "ret", procedure.ret});
      if (procedure.msg) all.push_back({program, &procedure, "msg", procedure.msg});
    }
  }
  return all;
}

// The lines of a file beside the tests.
inline std::vector<std::string> TestLines(const std::string& name) {
  std::ifstream file("tests/unit/protocol/" + name);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace bv
