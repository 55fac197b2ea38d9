#include "daemon/network_source.h"

#include "daemon/local_client.h"
#include "protocol/remote.h"

namespace bv {

using namespace remote;

static NetworkSource* local_source = nullptr;

NetworkSource* NetworkSource::local() { return local_source; }
void NetworkSource::set_local(NetworkSource* source) { local_source = source; }

RemoteNetworkSource::RemoteNetworkSource(const std::string& socket_dir, bool privileged)
    : socket_(socket_dir + "/virtnetworkd-sock"), uri_(privileged ? "network:///system" : "network:///session") {}

Task<std::string> RemoteNetworkSource::CreatePort(std::string network, std::string port) {
  auto client = co_await OpenSocket(socket_, uri_);
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
  auto client = co_await OpenSocket(socket_, uri_);
  NetworkLookupByNameArgs lookup;
  lookup.name = std::move(network);
  auto found = co_await client->Call<proc::NetworkLookupByName>(lookup);
  NetworkPortDeleteArgs args;
  args.port.net = found.net;
  args.port.uuid = port;
  co_await client->Call<proc::NetworkPortDelete>(args);
  client->Close();
}

}  // namespace bv
