// Every declaration, written out as a table, equals protocol_table.txt, which was not made from
// them: a slip in one number, type, limit, field or permission fails here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "programs.h"
#include "rpc/message.h"
#include "rpc/xdr_describe.h"

namespace bv {
namespace {

using rpc::AclRow;
using rpc::FdKind;
using rpc::ProcedureInfo;
using rpc::ProcedureKind;
using rpc::StreamKind;

// --- types, from the C++ types alone ---------------------------------------------------------------

template <typename T>
struct TypeText;

std::vector<std::string> Names(const char* list) {
  std::vector<std::string> names;
  std::istringstream in(list);
  for (std::string name; in >> name;) {
    if (name.back() == ',') name.pop_back();
    names.push_back(name);
  }
  return names;
}

// "name type" of each member.
template <typename S, typename... Members>
std::vector<std::string> MemberTexts(std::tuple<Members&...>*) {
  std::vector<std::string> names = Names(S::kFieldNames);
  std::vector<std::string> texts = {TypeText<Members>::Get()...};
  EXPECT_EQ(names.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) texts[i] = names[i] + " " + texts[i];
  return texts;
}
template <typename S>
std::vector<std::string> MembersOf() {
  return MemberTexts<S>(static_cast<decltype(S::Fields(std::declval<S&>()))*>(nullptr));
}

template <typename T>
struct TypeText {
  static std::string Get() {
    if constexpr (std::is_enum_v<T>) {
      return "enum";
    } else {
      return fmt::format("{{{}}}", fmt::join(MembersOf<T>(), ", "));
    }
  }
};
#define TYPE_TEXT(TYPE, TEXT)                    \
  template <>                                    \
  struct TypeText<TYPE> {                        \
    static std::string Get() { return TEXT; } \
  }
TYPE_TEXT(int32_t, "int");
TYPE_TEXT(uint32_t, "uint");
TYPE_TEXT(int64_t, "hyper");
TYPE_TEXT(uint64_t, "uhyper");
TYPE_TEXT(double, "double");
TYPE_TEXT(char, "char");
TYPE_TEXT(uint8_t, "uchar");
TYPE_TEXT(uint16_t, "ushort");
TYPE_TEXT(Uuid, "opaque[16]");
TYPE_TEXT(std::string, "string<4194304>");
TYPE_TEXT(TypedParamValue, "union(1 int, 2 uint, 3 hyper, 4 uhyper, 5 double, 6 int, 7 string<4194304>)");
template <uint32_t kMax>
struct TypeText<xdr::Text<kMax>> {
  static std::string Get() { return fmt::format("string<{}>", kMax); }
};
template <uint32_t kMax>
struct TypeText<xdr::Opaque<kMax>> {
  static std::string Get() { return fmt::format("opaque<{}>", kMax); }
};
template <uint32_t kMax>
struct TypeText<xdr::Chars<kMax>> {
  static std::string Get() { return fmt::format("char<{}>", kMax); }
};
template <uint32_t kLength>
struct TypeText<xdr::CharArray<kLength>> {
  static std::string Get() { return fmt::format("char[{}]", kLength); }
};
template <typename T, uint32_t kMax>
struct TypeText<xdr::List<T, kMax>> {
  static std::string Get() { return fmt::format("{}<{}>", TypeText<T>::Get(), kMax); }
};
template <typename T>
struct TypeText<std::optional<T>> {
  static std::string Get() { return TypeText<T>::Get() + "*"; }
};

// --- procedures --------------------------------------------------------------------------------------

std::string Acl(const rpc::AclRows& rows) {
  std::string text;
  for (const AclRow& row : rows) {
    if (!text.empty()) text += ',';
    text += fmt::format("{}:{}", ObjectName(row.need), PermissionName(row.need));
    if (row.when == AclRow::When::kAllSet) text += fmt::format("?set={}", row.value);
    if (row.when == AclRow::When::kAllClear) text += fmt::format("?clear={}", row.value);
    if (row.when == AclRow::When::kEquals) text += fmt::format("?source={}", row.value);
  }
  return text;
}

const char* FdText(FdKind kind) { return kind == FdKind::kOne ? "one" : "list"; }

std::string Head(const rpc::Program& program, const ProcedureInfo& info) {
  std::string line = fmt::format("{} {} {} {}", program.name, info.number, info.name,
                                 info.kind == ProcedureKind::kCall ? "call" : "event");
  if (info.priority) line += " priority";
  if (info.preauth) line += " preauth";
  if (info.stream != StreamKind::kNone) line += info.stream == StreamKind::kRead ? " stream=read" : " stream=write";
  if (info.sparse_flag) line += fmt::format(" sparse={}", info.sparse_flag);
  if (info.call_fds != FdKind::kNone) line += fmt::format(" callfds={}", FdText(info.call_fds));
  if (info.reply_fds != FdKind::kNone) line += fmt::format(" replyfds={}", FdText(info.reply_fds));
  if (info.acl.size()) line += " acl=" + Acl(info.acl);
  if (info.filter.size()) line += " filter=" + Acl(info.filter);
  return line;
}

template <typename T>
void AddMembers(const char* part, std::vector<std::string>& lines) {
  if constexpr (!std::is_void_v<T>) {
    for (const std::string& member : MembersOf<T>()) lines.push_back(fmt::format("  {} {}", part, member));
  }
}

template <typename Proc>
void AddProcedure(std::vector<std::string>& lines) {
  lines.push_back(Head(Proc::program(), Proc::info));
  AddMembers<typename Proc::Args>("args", lines);
  AddMembers<typename Proc::Ret>("ret", lines);
  AddMembers<typename Proc::Msg>("msg", lines);
}

template <template <int> typename At, int... kIndices>
void AddProgram(const rpc::Program& program, std::integer_sequence<int, kIndices...>, std::vector<std::string>& lines) {
  lines.push_back(fmt::format("program {} {:#010x} {} {}", program.name, program.id, program.version, program.count));
  EXPECT_EQ(program.count, sizeof...(kIndices));
  (AddProcedure<typename At<kIndices + 1>::Proc>(lines), ...);
}

TEST(ProtocolTable, EqualsTheDeclarations) {
  std::vector<std::string> lines;
  AddProgram<remote::proc::At>(remote::kProgram, std::make_integer_sequence<int, 453>(), lines);
  AddProgram<qemu_protocol::proc::At>(qemu_protocol::kProgram, std::make_integer_sequence<int, 7>(), lines);
  AddProgram<lxc_protocol::proc::At>(lxc_protocol::kProgram, std::make_integer_sequence<int, 1>(), lines);
  AddProgram<admin::proc::At>(admin::kProgram, std::make_integer_sequence<int, 19>(), lines);
  AddProgram<log_protocol::proc::At>(log_protocol::kProgram, std::make_integer_sequence<int, 4>(), lines);
  AddProgram<lock_protocol::proc::At>(lock_protocol::kProgram, std::make_integer_sequence<int, 8>(), lines);
  std::vector<std::string> table = TestLines("protocol_table.txt");
  ASSERT_GT(table.size(), 2000u);
  for (size_t i = 0; i < std::min(lines.size(), table.size()); ++i) ASSERT_EQ(lines[i], table[i]) << "line " << i + 1;
  EXPECT_EQ(lines.size(), table.size());
}

// The run-time table that calls go by holds what the declarations say, in its place.
TEST(ProtocolTable, RunTimeTableIsInNumberOrder) {
  for (const rpc::Program* program : kPrograms) {
    for (int32_t number = 1; number <= static_cast<int32_t>(program->count); ++number) {
      const rpc::Procedure* procedure = program->Find(number);
      ASSERT_TRUE(procedure);
      EXPECT_EQ(procedure->info->number, number);
      EXPECT_EQ(procedure->info->kind == ProcedureKind::kEvent, procedure->msg != nullptr) << procedure->info->name;
    }
    EXPECT_FALSE(program->Find(0));
    EXPECT_FALSE(program->Find(-1));
    EXPECT_FALSE(program->Find(static_cast<int32_t>(program->count) + 1));
  }
}

// Offsets are counted from sizes and alignments; the compiler's own must be the same.
template <typename S>
void ExpectOffsets() {
  S value{};
  auto base = reinterpret_cast<const char*>(&value);
  std::vector<uint32_t> compilers, ours;
  std::apply(
      [&](auto&... members) {
        (compilers.push_back(static_cast<uint32_t>(reinterpret_cast<const char*>(&members) - base)), ...);
      },
      S::Fields(value));
  const xdr::Type& type = xdr::kType<S>;
  for (uint32_t i = 0; i < type.field_count; ++i) ours.push_back(type.fields[i].offset);
  EXPECT_EQ(ours, compilers);
}

TEST(ProtocolTable, OffsetsAreTheCompilers) {
  ExpectOffsets<remote::NodeGetInfoRet>();
  ExpectOffsets<remote::DomainGetInfoRet>();
  ExpectOffsets<remote::StorageVolGetInfoRet>();
  ExpectOffsets<remote::DomainMigratePerform3Args>();
  ExpectOffsets<remote::NetworkDhcpLease>();
  ExpectOffsets<remote::AuthSaslStartArgs>();
  ExpectOffsets<remote::DomainEventGraphicsMsg>();
  ExpectOffsets<rpc::ErrorMessage>();
}

}  // namespace
}  // namespace bv
