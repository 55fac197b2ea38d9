#include "daemon/filter_bindings.h"

#include "base/error.h"
#include "daemon/other_drivers.h"
#include "protocol/remote.h"

namespace bv {

using namespace remote;

namespace {

constexpr char kDriver[] = "nwfilter";

FilterBindings* local_bindings = nullptr;

class RemoteFilterBindings : public FilterBindings {
 public:
  Task<> CreateBinding(std::string xml) override;
  Task<> DeleteBinding(std::string interface) override;
};

Task<> RemoteFilterBindings::CreateBinding(std::string xml) {
  auto client = co_await OpenDriver(kDriver);
  NwfilterBindingCreateXmlArgs args;
  args.xml = std::move(xml);
  co_await client->Call<proc::NwfilterBindingCreateXml>(args);
  client->Close();
}

Task<> RemoteFilterBindings::DeleteBinding(std::string interface) {
  auto client = co_await OpenDriver(kDriver);
  NwfilterBindingDeleteArgs args;
  args.nwfilter.portdev = std::move(interface);
  try {
    co_await client->Call<proc::NwfilterBindingDelete>(args);
  } catch (const Error& e) {
    if (e.code != ErrorCode::kNoNwfilterBinding) throw;
  }
  client->Close();
}

}  // namespace

FilterBindings& FilterBindings::Get() {
  static RemoteFilterBindings remote;
  return local_bindings ? *local_bindings : remote;
}

void FilterBindings::set_local(FilterBindings* bindings) { local_bindings = bindings; }

}  // namespace bv
