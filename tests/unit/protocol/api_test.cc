// What follows from a declaration about the public API behind it, against libvirt 9.0's answers:
// the function's name and error domain in messages, and what a read-only connection may call.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "programs.h"
#include "rpc/api.h"
#include "rpc/xdr_codec.h"

namespace bv {
namespace {

struct Row {
  std::string program;
  int32_t number;
  std::string domain, name;  // "?" where no message names them
  std::string read_only;     // the values of flags tried, those refused marked with '!'; or "?"
};

std::vector<Row> Rows() {
  std::vector<Row> rows;
  for (const std::string& line : TestLines("api_table.txt")) {
    Row& row = rows.emplace_back();
    std::istringstream(line) >> row.program >> row.number >> row.domain >> row.name >> row.read_only;
  }
  return rows;
}

const rpc::Program& Find(const std::string& name) {
  for (const rpc::Program* program : kPrograms) {
    if (program->name == name) return *program;
  }
  throw std::runtime_error(name);
}

TEST(Api, NamesAndDomains) {
  int named = 0;
  for (const Row& row : Rows()) {
    if (row.name == "?") continue;
    const rpc::Program& program = Find(row.program);
    const rpc::Procedure& procedure = *program.Find(row.number);
    EXPECT_EQ(rpc::ApiName(program, procedure), row.name);
    EXPECT_EQ(fmt::format("{}", static_cast<int>(rpc::ApiDomain(program, procedure))), row.domain) << row.name;
    ++named;
  }
  EXPECT_GT(named, 200);
}

bool Refused(const rpc::Program& program, const rpc::Procedure& procedure, uint32_t flags) {
  std::unique_ptr<void, void (*)(void*)> args(nullptr, nullptr);
  if (procedure.args) {
    args = {procedure.args->ops.make(), procedure.args->ops.destroy};
    if (procedure.flags_offset != rpc::Procedure::kNoOffset) {
      std::memcpy(static_cast<char*>(args.get()) + procedure.flags_offset, &flags, sizeof flags);
    }
  }
  try {
    rpc::CheckReadOnly(program, procedure, args.get());
    return false;
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::kOperationDenied);
    return true;
  }
}

TEST(Api, ReadOnlyAllowsWhatLibvirtAllows) {
  int checked = 0;
  for (const Row& row : Rows()) {
    if (row.read_only == "?") continue;
    const rpc::Program& program = Find(row.program);
    const rpc::Procedure& procedure = *program.Find(row.number);
    std::istringstream in(row.read_only);
    for (std::string value; std::getline(in, value, ',');) {
      bool refused = value[0] == '!';
      auto flags = static_cast<uint32_t>(std::stoul(value.substr(refused)));
      EXPECT_EQ(Refused(program, procedure, flags), refused) << procedure.info->name << " flags " << flags;
      ++checked;
    }
  }
  EXPECT_GT(checked, 1000);
}

}  // namespace
}  // namespace bv
