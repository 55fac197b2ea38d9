// The decoder of every payload of every program. The first two bytes pick the payload; the rest is
// its bytes, or, when the pick's top bit is set, is laid over a well-formed encoding of it. What
// is accepted must encode, and decode to the same.
#include <cstdlib>
#include <cstring>

#include "unit/protocol/filler.h"
#include "unit/protocol/programs.h"

using namespace bv;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Payload> payloads = AllPayloads();
  if (size < 2) return 0;
  unsigned pick = data[0] << 8 | data[1];
  const xdr::Type& type = *payloads[(pick & 0x7fff) % payloads.size()].type;
  std::vector<uint8_t> input(data + 2, data + size);
  if (pick & 0x8000) {
    rpc::Buffer base = Encoded(type);
    std::vector<uint8_t> laid(base.data(), base.data() + base.size());
    for (size_t i = 0; i < std::min(laid.size(), input.size()); ++i) laid[i] ^= input[i];
    input = std::move(laid);
  }
  Value value = Make(type);
  if (!xdr::Decode(type, input, value.get())) return 0;
  rpc::Buffer once, twice;
  xdr::Encode(type, value.get(), once);
  Value again = Make(type);
  if (!xdr::Decode(type, once.bytes(), again.get())) abort();
  xdr::Encode(type, again.get(), twice);
  if (once.size() != twice.size() || std::memcmp(once.data(), twice.data(), once.size()) != 0) abort();
  return 0;
}
