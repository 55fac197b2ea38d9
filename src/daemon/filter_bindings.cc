#include "daemon/filter_bindings.h"

#include "base/error.h"
#include "daemon/local_client.h"
#include "protocol/remote.h"

namespace bv {

using namespace remote;

constexpr char kUri[] = "nwfilter:///system";  // there are none in a session

static FilterBindings* local_bindings = nullptr;

FilterBindings* FilterBindings::local() { return local_bindings; }
void FilterBindings::set_local(FilterBindings* bindings) { local_bindings = bindings; }

Task<> RemoteFilterBindings::CreateBinding(std::string xml) {
  auto client = co_await OpenSocket(socket_, kUri);
  NwfilterBindingCreateXmlArgs args;
  args.xml = std::move(xml);
  co_await client->Call<proc::NwfilterBindingCreateXml>(args);
  client->Close();
}

Task<> RemoteFilterBindings::DeleteBinding(std::string interface) {
  auto client = co_await OpenSocket(socket_, kUri);
  NwfilterBindingDeleteArgs args;
  args.nwfilter.portdev = std::move(interface);
  try {
    co_await client->Call<proc::NwfilterBindingDelete>(args);
  } catch (const Error& e) {
    if (e.code != ErrorCode::kNoNwfilterBinding) throw;
  }
  client->Close();
}

}  // namespace bv
