#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/wait.h"
#include "daemon/filter_bindings.h"
#include "daemon/object_driver.h"
#include "nwfilter/address_watch.h"
#include "nwfilter/bindings.h"
#include "nwfilter/filter_store.h"
#include "nwfilter/interface_rules.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv::nwfilter {

// virtnwfilterd's driver: filters, which interfaces they are bound to, and the kernel's rules that come of it.
// Changes come one after the other, since each is one of rules and files too.
class NwfilterDriver : public ObjectDriver, public FilterBindings {
 public:
  explicit NwfilterDriver(const DriverEnvironment& environment);
  ~NwfilterDriver() override;

  Task<> Start() override;
  Task<> Reload() override;
  void Register(Service& service) override;
  bool AcceptsUri(const Uri& uri) const override;
  std::string DefaultUri() const override { return privileged() ? ObjectDriver::DefaultUri() : ""; }
  bool HasActiveObjects() const override { return !bindings_.all().empty(); }
  bool Quiet() const override { return !changes_.held(); }

  // For the other drivers of this daemon.
  Task<> CreateBinding(std::string xml) override;
  Task<> DeleteBinding(std::string interface) override;

 private:
  // upgrade.cc
  Json SaveMore(upgrade::PassedFds& fds) const override;
  void RestoreMore(const Json& ours, upgrade::InheritedFds& fds) override;

  Task<remote::ConnectNumOfNwfiltersRet> Count(Call& call);
  Task<remote::ConnectListNwfiltersRet> ListNames(Call& call, remote::ConnectListNwfiltersArgs args);
  Task<remote::ConnectListAllNwfiltersRet> ListAll(Call& call, remote::ConnectListAllNwfiltersArgs args);
  Task<remote::NwfilterLookupByNameRet> LookupByName(Call& call, remote::NwfilterLookupByNameArgs args);
  Task<remote::NwfilterLookupByUuidRet> LookupByUuid(Call& call, remote::NwfilterLookupByUuidArgs args);
  Task<remote::NwfilterGetXmlDescRet> GetXml(Call& call, remote::NwfilterGetXmlDescArgs args);
  Task<remote::NwfilterDefineXmlRet> Define(Call& call, remote::NwfilterDefineXmlArgs args);
  Task<remote::NwfilterDefineXmlFlagsRet> DefineFlags(Call& call, remote::NwfilterDefineXmlFlagsArgs args);
  Task<> Undefine(Call& call, remote::NwfilterUndefineArgs args);
  Task<remote::ConnectListAllNwfilterBindingsRet> ListBindings(Call& call, remote::ConnectListAllNwfilterBindingsArgs args);
  Task<remote::NwfilterBindingLookupByPortDevRet> LookupBinding(Call& call, remote::NwfilterBindingLookupByPortDevArgs args);
  Task<remote::NwfilterBindingGetXmlDescRet> GetBindingXml(Call& call, remote::NwfilterBindingGetXmlDescArgs args);
  Task<remote::NwfilterBindingCreateXmlRet> CreateBindingCall(Call& call, remote::NwfilterBindingCreateXmlArgs args);
  Task<> DeleteBindingCall(Call& call, remote::NwfilterBindingDeleteArgs args);

  // Checks that one may speak for filters here.
  Task<AsyncMutex::Lock> BeginChange();
  Task<remote::NonnullNwfilter> DefineFilter(std::string xml, bool validate);
  Task<remote::NonnullNwfilterBinding> AddBinding(model::FilterBinding def);
  bool InUse(const std::string& filter) const;

  // instantiate.cc: the rules of bindings.
  FindFilter Finder() const;
  // Puts the binding's rules in force, as far as its variables are known; where it is the address that is not,
  // the watch for it begins. Throws, and leaves the rules as they were.
  Task<> Instantiate(Binding& binding);
  // The same for every binding that has to do with `filter` (all: empty), or for none of them: where one
  // throws, `undo` is called and the others have their rules made anew.
  Task<> InstantiateAll(std::string filter, std::function<void()> undo);
  Task<> Learn(Binding& binding, std::string mode);
  void WatchLater(std::string interface, LearnFrom from);
  Task<> BeginWatch(std::string interface, LearnFrom from);
  Task<> Learned(std::string interface, LearnedAddress learned);
  Task<> ReadEverything(bool bindings_too);

  const std::string state_dir_;
  FilterStore filters_;
  BindingStore bindings_;
  AsyncMutex changes_;
  std::map<std::string, std::vector<std::string>> inherited_addresses_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what comes later
};

}  // namespace bv::nwfilter
