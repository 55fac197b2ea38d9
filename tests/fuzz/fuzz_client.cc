// A server that answers anything at all, to a client that waits for a reply, an event and a stream.
#include <cstdlib>

#include "base/log.h"
#include "base/wait.h"
#include "protocol/remote.h"
#include "rpc/client.h"
#include "scripted_transport.h"

using namespace bv;
using namespace bv::rpc;
namespace proc = remote::proc;

namespace {

Task<> Calls(std::shared_ptr<Client> client, int* ended) {
  try {
    remote::DomainLookupByNameArgs args;
    co_await client->Call<proc::DomainLookupByName>(args);
  } catch (const Error&) {
  }
  ++*ended;
}

Task<> Streams(std::shared_ptr<Client> client, int* ended) {
  try {
    remote::StorageVolDownloadArgs args;
    auto stream = co_await client->OpenStream<proc::StorageVolDownload>(args);
    while ((co_await stream->Read()).kind != ClientStream::Chunk::Kind::kFinish) {
      if (!stream->open()) break;
    }
    co_await stream->Finish();
  } catch (const Error&) {
  }
  ++*ended;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Loop loop;
  int ended = 0;
  auto client = Client::Make(std::make_unique<ScriptedTransport>(std::span(data, size)));
  client->OnEvent<proc::DomainEventLifecycle>([](const auto&) {});
  client->OnEvent<proc::DomainEventCallbackTunable>([](const auto&) {});
  client->OnClose([&] { loop.Quit(); });
  Spawn(Calls(client, &ended), "call");
  Spawn(Streams(client, &ended), "stream");
  loop.Run();
  // Those who waited are resumed in later rounds.
  for (int i = 0; i < 1000 && ended < 2; ++i) {
    loop.Post([&] { loop.Quit(); });
    loop.Run();
  }
  if (ended != 2 || client.use_count() != 1) abort();
  return 0;
}
