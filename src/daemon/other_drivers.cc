#include "daemon/other_drivers.h"

#include "daemon/companion.h"
#include "daemon/local_client.h"

namespace bv {

static struct {
  std::string sockets;
  bool privileged = false;
} others;

void SetOtherDrivers(const DriverEnvironment& environment) {
  others.sockets = environment.state_dir;
  others.privileged = environment.privileged;
}

const std::string& OtherDriversDir() { return others.sockets; }

Task<std::shared_ptr<rpc::Client>> OpenDriver(std::string driver) {
  std::string name = "virt" + driver + "d", uri = driver + (others.privileged ? ":///system" : ":///session");
  Companion daemon{name, others.sockets + "/" + name + "-sock", others.privileged};
  auto client = co_await Connect(daemon);
  co_await OpenUri(client, uri);
  co_return client;
}

}  // namespace bv
