// A client that sends anything at all, to a server with handlers that answer at once, later, with
// streams both ways and with descriptors. When the client has gone nothing of it may be left.
#include <cstdlib>

#include "base/log.h"
#include "base/wait.h"
#include "protocol/remote.h"
#include "rpc/server.h"
#include "scripted_transport.h"

using namespace bv;
using namespace bv::rpc;
namespace proc = remote::proc;

namespace {

class Driver {
 public:
  explicit Driver(Service& service) {
    service.On<proc::ConnectOpen>(this, &Driver::Open);
    service.On<proc::DomainLookupByName>(this, &Driver::LookupByName);
    service.On<proc::DomainSetMemoryParameters>(this, &Driver::SetMemoryParameters);
    service.On<proc::DomainOpenConsole>(this, &Driver::OpenConsole);
    service.On<proc::StorageVolUpload>(this, &Driver::Upload);
    service.On<proc::DomainCreateWithFiles>(this, &Driver::CreateWithFiles);
  }

 private:
  Task<> Open(Call&, remote::ConnectOpenArgs) { co_return; }
  Task<remote::DomainLookupByNameRet> LookupByName(Call&, remote::DomainLookupByNameArgs args) {
    co_await Sleep(std::chrono::microseconds(1));
    remote::DomainLookupByNameRet ret;
    ret.dom.name = args.name;
    co_return ret;
  }
  Task<> SetMemoryParameters(Call&, remote::DomainSetMemoryParametersArgs args) {
    if (args.params.empty()) throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg, "no parameters");
    co_return;
  }
  Task<remote::DomainCreateWithFilesRet> CreateWithFiles(Call& call, remote::DomainCreateWithFilesArgs) {
    call.reply_fds = std::move(call.fds);
    remote::DomainCreateWithFilesRet ret;
    co_return ret;
  }
  Task<> OpenConsole(Call& call, remote::DomainOpenConsoleArgs) {
    Spawn(Echo(call.OpenStream()), "echo");
    co_return;
  }
  Task<> Upload(Call& call, remote::StorageVolUploadArgs) {
    Spawn(Echo(call.OpenStream()), "upload");
    co_return;
  }
  static Task<> Echo(StreamPtr stream) {
    while (true) {
      ServerStream::Chunk chunk = co_await stream->Read();
      if (chunk.kind == ServerStream::Chunk::Kind::kFinish) stream->Finish();
      if (chunk.kind == ServerStream::Chunk::Kind::kAbort) co_return;
      co_await stream->Write(chunk.data);
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Loop loop;
  Service service;
  service.AddProgram(remote::kProgram);
  Driver driver(service);
  Workers workers(3, 1);
  auto session = ServerSession::Make(service, workers, std::make_unique<ScriptedTransport>(std::span(data, size)), {},
                                     [&] { loop.Quit(); });
  session->set_authenticated(true);
  session->StartServing();
  loop.Run();
  // Calls that still ran when the client went.
  auto settle = [&]() -> Task<> {
    for (int i = 0; i < 1000 && session->running_calls(); ++i) co_await Sleep(std::chrono::microseconds(100));
    loop.Quit();
  };
  Spawn(settle(), "settle");
  loop.Run();
  if (session->streams() || session->running_calls() || workers.running() || session.use_count() != 1) abort();
  return 0;
}
