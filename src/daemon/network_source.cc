#include "daemon/network_source.h"

#include "daemon/other_drivers.h"
#include "protocol/remote.h"

namespace bv {

using namespace remote;

namespace {

constexpr char kDriver[] = "network";

NetworkSource* local_source = nullptr;

class RemoteNetworkSource : public NetworkSource {
 public:
  Task<std::string> CreatePort(std::string network, std::string port) override;
  Task<> DeletePort(std::string network, Uuid port) override;
};

Task<std::string> RemoteNetworkSource::CreatePort(std::string network, std::string port) {
  auto client = co_await OpenDriver(kDriver);
  NetworkLookupByNameArgs lookup;
  lookup.name = std::move(network);
  auto found = co_await client->Call<proc::NetworkLookupByName>(lookup);
  NetworkPortCreateXmlArgs create;
  create.network = found.net;
  create.xml = std::move(port);
  auto made = co_await client->Call<proc::NetworkPortCreateXml>(create);
  NetworkPortGetXmlDescArgs describe;
  describe.port = made.port;
  auto ret = co_await client->Call<proc::NetworkPortGetXmlDesc>(describe);
  client->Close();
  co_return ret.xml;
}

Task<> RemoteNetworkSource::DeletePort(std::string network, Uuid port) {
  auto client = co_await OpenDriver(kDriver);
  NetworkLookupByNameArgs lookup;
  lookup.name = std::move(network);
  auto found = co_await client->Call<proc::NetworkLookupByName>(lookup);
  NetworkPortDeleteArgs args;
  args.port.net = found.net;
  args.port.uuid = port;
  co_await client->Call<proc::NetworkPortDelete>(args);
  client->Close();
}

}  // namespace

NetworkSource& NetworkSource::Get() {
  static RemoteNetworkSource remote;
  return local_source ? *local_source : remote;
}

void NetworkSource::set_local(NetworkSource* source) { local_source = source; }

}  // namespace bv
