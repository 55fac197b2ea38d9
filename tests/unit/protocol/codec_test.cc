// The codec over every payload: equal to encodings made by other means, round trip, and all kinds
// of malformed input.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "filler.h"
#include "programs.h"

namespace bv {
namespace {

using rpc::Buffer;
using xdr::Type;

uint64_t Hash(std::span<const uint8_t> bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

TEST(Codec, EncodesEveryPayloadAsOthersDo) {
  std::vector<std::string> lines = TestLines("encodings.txt");
  std::vector<Payload> payloads = AllPayloads();
  ASSERT_EQ(payloads.size(), lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    const Payload& payload = payloads[i];
    Buffer bytes = Encoded(*payload.type);
    EXPECT_EQ(fmt::format("{} {} {} {} {:016x}", payload.program->name, payload.procedure->info->number, payload.part,
                          bytes.size(), Hash(bytes.bytes())),
              lines[i])
        << payload.Name();
  }
}

TEST(Codec, RoundTripsEveryPayload) {
  for (const Payload& payload : AllPayloads()) {
    Buffer first = Encoded(*payload.type), second;
    Value value = Make(*payload.type);
    ASSERT_TRUE(xdr::Decode(*payload.type, first.bytes(), value.get())) << payload.Name();
    xdr::Encode(*payload.type, value.get(), second);
    ASSERT_EQ(first.size(), second.size()) << payload.Name();
    EXPECT_EQ(std::memcmp(first.data(), second.data(), first.size()), 0) << payload.Name();
  }
}

TEST(Codec, AFreshValueIsAsShortAsTheSmallest) {
  for (const Payload& payload : AllPayloads()) {
    Value value = Make(*payload.type);
    Buffer bytes;
    xdr::Encode(*payload.type, value.get(), bytes);
    EXPECT_EQ(bytes.size(), payload.type->wire_min) << payload.Name();
  }
}

TEST(Codec, RefusesEveryTruncation) {
  for (const Payload& payload : AllPayloads()) {
    Buffer bytes = Encoded(*payload.type);
    for (size_t size = 0; size < bytes.size(); ++size) {
      // A copy of just that size, so that a sanitizer sees a read beyond it.
      std::vector<uint8_t> cut(bytes.data(), bytes.data() + size);
      Value value = Make(*payload.type);
      ASSERT_FALSE(xdr::Decode(*payload.type, cut, value.get())) << payload.Name() << " cut to " << size;
    }
  }
}

TEST(Codec, IgnoresWhatFollows) {
  for (const Payload& payload : AllPayloads()) {
    Buffer bytes = Encoded(*payload.type);
    bytes.Append(std::vector<uint8_t>(13, 0xff));
    Value value = Make(*payload.type);
    EXPECT_TRUE(xdr::Decode(*payload.type, bytes.bytes(), value.get())) << payload.Name();
  }
}

// Every word is in turn replaced by values that lie about lengths, tags and presence. Whatever
// is accepted can be sent on: what was decoded keeps its limits.
TEST(Codec, SurvivesLyingWords) {
  constexpr uint32_t kLies[] = {0, 1, 2, 3, 7, 8, 255, 256, 65537, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};
  for (const Payload& payload : AllPayloads()) {
    Buffer bytes = Encoded(*payload.type);
    for (size_t at = 0; at + 4 <= bytes.size(); at += 4) {
      for (uint32_t lie : kLies) {
        std::vector<uint8_t> changed(bytes.data(), bytes.data() + bytes.size());
        rpc::PutWord(changed.data() + at, lie);
        Value value = Make(*payload.type);
        if (!xdr::Decode(*payload.type, changed, value.get())) continue;
        Buffer again;
        EXPECT_NO_THROW(xdr::Encode(*payload.type, value.get(), again)) << payload.Name();
      }
    }
  }
}

TEST(Codec, RefusesUnionTagsThatAreNone) {
  const Type& type = *remote::kProgram.Find(remote::proc::DomainSetMemoryParameters::info.number)->args;
  Buffer bytes;
  Value value = Make(type);
  auto& args = *static_cast<remote::DomainSetMemoryParametersArgs*>(value.get());
  args.params.resize(1);
  xdr::Encode(type, value.get(), bytes);
  size_t tag = 4 + 16 + 4 + 4 + 4;  // name, uuid, id, count, field
  ASSERT_EQ(rpc::GetWord(bytes.data() + tag), 1u);
  for (uint32_t wrong : {0u, 8u, 0xffffffffu}) {
    rpc::PutWord(bytes.data() + tag, wrong);
    Value decoded = Make(type);
    EXPECT_FALSE(xdr::Decode(type, bytes.bytes(), decoded.get())) << wrong;
  }
}

TEST(Codec, RefusesToSendMoreThanALimit) {
  const Type& type = *remote::kProgram.Find(remote::proc::DomainSendKey::info.number)->args;
  Value value = Make(type);
  auto& args = *static_cast<remote::DomainSendKeyArgs*>(value.get());
  Buffer out;
  args.keycodes.resize(remote::kDomainSendKeyMax);
  EXPECT_NO_THROW(xdr::Encode(type, value.get(), out));
  args.keycodes.resize(remote::kDomainSendKeyMax + 1);
  EXPECT_THROW(xdr::Encode(type, value.get(), out), Error);
}

TEST(Codec, StringsEndAtTheirFirstNul) {
  const Type& type = *remote::kProgram.Find(remote::proc::DomainLookupByName::info.number)->args;
  Value value = Make(type);
  static_cast<remote::DomainLookupByNameArgs*>(value.get())->name = std::string("vm\0hidden", 9);
  Buffer out;
  xdr::Encode(type, value.get(), out);
  Value decoded = Make(type);
  ASSERT_TRUE(xdr::Decode(type, out.bytes(), decoded.get()));
  EXPECT_EQ(static_cast<remote::DomainLookupByNameArgs*>(decoded.get())->name, "vm");
}

}  // namespace
}  // namespace bv
