#include "nwfilter/nwfilter_driver.h"

#include <net/if.h>

#include "base/error.h"
#include "base/files.h"
#include "base/schema.h"
#include "base/verbatim_error.h"
#include "nwfilter/table.h"

namespace bv::nwfilter {

using namespace remote;
using model::FilterBinding;
using model::FilterDef;

namespace {

constexpr unsigned kValidate = 1;  // of filters and of bindings

NonnullNwfilter Reference(const FilterDef& filter) { return {filter.name, filter.uuid}; }
NonnullNwfilterBinding Reference(const FilterBinding& binding) { return {binding.port_dev, binding.filter.filter}; }

void RefuseFlags(unsigned flags, unsigned known, const char* function) {
  RefuseOtherFlags(flags, known, ErrorDomain::kNwfilter, function);
}

}  // namespace

NwfilterDriver::NwfilterDriver(const DriverEnvironment& environment)
    : ObjectDriver(environment, "nwfilter", ErrorDomain::kNwfilter),
      state_dir_(environment.state_dir + "/nwfilter"),
      filters_(environment.config_dir + "/nwfilter"),
      bindings_(environment.state_dir + "/nwfilter-binding") {
  set_local(this);
}

NwfilterDriver::~NwfilterDriver() {
  *alive_ = false;
  set_local(nullptr);
}

// There are no filters in session mode: rules are root's.
Task<> NwfilterDriver::Start() {
  if (!privileged()) co_return;
  LockState(state_dir_);
  MakeDirs(bindings_.directory(), 0700);
  co_await ReadEverything(true);
}

Task<> NwfilterDriver::Reload() {
  if (!privileged()) co_return;
  auto turn = co_await BeginChange();
  co_await ReadEverything(false);
}

bool NwfilterDriver::AcceptsUri(const Uri& uri) const {
  return privileged() && ObjectDriver::AcceptsUri(uri);
}

void NwfilterDriver::Register(Service& service) {
  ObjectDriver::Register(service);
  service.On<proc::ConnectNumOfNwfilters>(this, &NwfilterDriver::Count);
  service.On<proc::ConnectListNwfilters>(this, &NwfilterDriver::ListNames);
  service.On<proc::ConnectListAllNwfilters>(this, &NwfilterDriver::ListAll);
  service.On<proc::NwfilterLookupByName>(this, &NwfilterDriver::LookupByName);
  service.On<proc::NwfilterLookupByUuid>(this, &NwfilterDriver::LookupByUuid);
  service.On<proc::NwfilterGetXmlDesc>(this, &NwfilterDriver::GetXml);
  service.On<proc::NwfilterDefineXml>(this, &NwfilterDriver::Define);
  service.On<proc::NwfilterDefineXmlFlags>(this, &NwfilterDriver::DefineFlags);
  service.On<proc::NwfilterUndefine>(this, &NwfilterDriver::Undefine);
  service.On<proc::ConnectListAllNwfilterBindings>(this, &NwfilterDriver::ListBindings);
  service.On<proc::NwfilterBindingLookupByPortDev>(this, &NwfilterDriver::LookupBinding);
  service.On<proc::NwfilterBindingGetXmlDesc>(this, &NwfilterDriver::GetBindingXml);
  service.On<proc::NwfilterBindingCreateXml>(this, &NwfilterDriver::CreateBindingCall);
  service.On<proc::NwfilterBindingDelete>(this, &NwfilterDriver::DeleteBindingCall);
}

Task<AsyncMutex::Lock> NwfilterDriver::BeginChange() {
  if (!privileged()) throw Error(ErrorDomain::kNwfilter, ErrorCode::kOperationInvalid, "Can't define NWFilters in session mode");
  auto lock = co_await changes_.Acquire();
  co_return std::move(*lock);
}

// --- filters -------------------------------------------------------------------------------------

Task<ConnectNumOfNwfiltersRet> NwfilterDriver::Count(Call&) {
  ConnectNumOfNwfiltersRet ret;
  ret.num = static_cast<int32_t>(filters_.all().size());
  co_return ret;
}

Task<ConnectListNwfiltersRet> NwfilterDriver::ListNames(Call&, ConnectListNwfiltersArgs args) {
  ConnectListNwfiltersRet ret;
  for (auto& [name, filter] : filters_.all()) {
    if (static_cast<int64_t>(ret.names.size()) < args.maxnames) ret.names.push_back(name);
  }
  co_return ret;
}

Task<ConnectListAllNwfiltersRet> NwfilterDriver::ListAll(Call&, ConnectListAllNwfiltersArgs args) {
  RefuseFlags(args.flags, 0, "nwfilterConnectListAllNWFilters");
  ConnectListAllNwfiltersRet ret;
  ret.ret = static_cast<uint32_t>(filters_.all().size());
  for (auto& [name, filter] : filters_.all()) {
    if (args.need_results) ret.filters.push_back(Reference(*filter));
  }
  co_return ret;
}

Task<NwfilterLookupByNameRet> NwfilterDriver::LookupByName(Call&, NwfilterLookupByNameArgs args) {
  NwfilterLookupByNameRet ret;
  ret.nwfilter = Reference(filters_.Get(args.name));
  co_return ret;
}

Task<NwfilterLookupByUuidRet> NwfilterDriver::LookupByUuid(Call&, NwfilterLookupByUuidArgs args) {
  NwfilterLookupByUuidRet ret;
  ret.nwfilter = Reference(filters_.Get(args.uuid));
  co_return ret;
}

Task<NwfilterGetXmlDescRet> NwfilterDriver::GetXml(Call&, NwfilterGetXmlDescArgs args) {
  RefuseFlags(args.flags, 0, "nwfilterGetXMLDesc");
  NwfilterGetXmlDescRet ret;
  ret.xml = model::FormatFilter(filters_.Get(args.nwfilter.uuid));
  co_return ret;
}

Task<NwfilterDefineXmlRet> NwfilterDriver::Define(Call&, NwfilterDefineXmlArgs args) {
  NwfilterDefineXmlRet ret;
  ret.nwfilter = co_await DefineFilter(args.xml, false);
  co_return ret;
}

Task<NwfilterDefineXmlFlagsRet> NwfilterDriver::DefineFlags(Call&, NwfilterDefineXmlFlagsArgs args) {
  RefuseFlags(args.flags, kValidate, "nwfilterDefineXMLFlags");
  NwfilterDefineXmlFlagsRet ret;
  ret.nwfilter = co_await DefineFilter(args.xml, (args.flags & kValidate) != 0);
  co_return ret;
}

// Rules first, since they may be refused; then the file.
Task<NonnullNwfilter> NwfilterDriver::DefineFilter(std::string xml, bool validate) {
  std::function<void()> describe = [&] { model::ParseFilter(xml, true); };
  validate = co_await xml::StillToValidate(validate, xml, "nwfilter", "filter", describe);
  auto turn = co_await BeginChange();
  auto filter = std::make_shared<FilterDef>(model::ParseFilter(xml, validate));
  filters_.CheckDefinition(*filter);
  auto found = filters_.all().find(filter->name);
  FilterPtr old = found == filters_.all().end() ? nullptr : found->second;
  std::function<void()> undo = [this, old, name = filter->name] {
    if (old) filters_.Put(old);
    else filters_.Remove(name);
  };
  filters_.Put(filter);
  co_await InstantiateAll(filter->name, undo);
  std::exception_ptr failure;
  auto write = [directory = filters_.directory(), filter] { FilterStore::WriteFile(directory, *filter); };
  try {
    co_await Offload(write);
  } catch (const Error&) {
    failure = std::current_exception();
  }
  if (failure) {
    undo();
    co_await InstantiateAll(filter->name, [] {});
    std::rethrow_exception(failure);
  }
  co_return Reference(*filter);
}

bool NwfilterDriver::InUse(const std::string& filter) const {
  for (auto& [interface, binding] : bindings_.all()) {
    if (filters_.Reaches(binding->def.filter.filter, filter)) return true;
  }
  return false;
}

Task<> NwfilterDriver::Undefine(Call&, NwfilterUndefineArgs args) {
  auto turn = co_await BeginChange();
  std::string name = filters_.Get(args.nwfilter.uuid).name;
  if (InUse(name)) throw Error(ErrorDomain::kNwfilter, ErrorCode::kOperationInvalid, "nwfilter is in use");
  auto remove = [directory = filters_.directory(), name] { FilterStore::RemoveFile(directory, name); };
  co_await Offload(remove);
  filters_.Remove(name);
}

// --- bindings ------------------------------------------------------------------------------------

Task<ConnectListAllNwfilterBindingsRet> NwfilterDriver::ListBindings(Call&, ConnectListAllNwfilterBindingsArgs args) {
  RefuseFlags(args.flags, 0, "nwfilterConnectListAllNWFilterBindings");
  ConnectListAllNwfilterBindingsRet ret;
  ret.ret = static_cast<uint32_t>(bindings_.all().size());
  for (auto& [interface, binding] : bindings_.all()) {
    if (args.need_results) ret.bindings.push_back(Reference(binding->def));
  }
  co_return ret;
}

Task<NwfilterBindingLookupByPortDevRet> NwfilterDriver::LookupBinding(Call&, NwfilterBindingLookupByPortDevArgs args) {
  NwfilterBindingLookupByPortDevRet ret;
  ret.nwfilter = Reference(bindings_.Get(args.name).def);
  co_return ret;
}

Task<NwfilterBindingGetXmlDescRet> NwfilterDriver::GetBindingXml(Call&, NwfilterBindingGetXmlDescArgs args) {
  RefuseFlags(args.flags, 0, "nwfilterBindingGetXMLDesc");
  NwfilterBindingGetXmlDescRet ret;
  ret.xml = model::FormatFilterBinding(bindings_.Get(args.nwfilter.portdev).def);
  co_return ret;
}

Task<NwfilterBindingCreateXmlRet> NwfilterDriver::CreateBindingCall(Call&, NwfilterBindingCreateXmlArgs args) {
  RefuseFlags(args.flags, kValidate, "nwfilterBindingCreateXML");
  NwfilterBindingCreateXmlRet ret;
  const bool validate = co_await xml::StillToValidate(args.flags & kValidate, args.xml, "nwfilterbinding", "filterbinding");
  FilterBinding def = model::ParseFilterBinding(args.xml, validate);
  ret.nwfilter = co_await AddBinding(std::move(def));
  co_return ret;
}

Task<> NwfilterDriver::CreateBinding(std::string xml) {
  FilterBinding def = model::ParseFilterBinding(xml, false);
  co_await AddBinding(std::move(def));
}

Task<NonnullNwfilterBinding> NwfilterDriver::AddBinding(FilterBinding def) {
  auto turn = co_await BeginChange();
  std::string interface = def.port_dev;
  if (bindings_.Find(interface)) {
    throw Error(ErrorDomain::kNwfilter, ErrorCode::kOperationFailed, "binding '" + interface + "' already exists");
  }
  Binding& binding = bindings_.Put(std::move(def));
  NonnullNwfilterBinding reference = Reference(binding.def);
  std::exception_ptr failure;
  try {
    co_await Instantiate(binding);
    auto write = [directory = bindings_.directory(), def = binding.def] { BindingStore::WriteFile(directory, def); };
    co_await Offload(write);
  } catch (const Error&) {
    failure = std::current_exception();
  }
  if (!failure) co_return reference;
  bindings_.Remove(interface);
  co_await Clear(interface);
  std::rethrow_exception(failure);
}

Task<> NwfilterDriver::DeleteBindingCall(Call&, NwfilterBindingDeleteArgs args) {
  bindings_.Get(args.nwfilter.portdev);
  co_await DeleteBinding(args.nwfilter.portdev);
}

Task<> NwfilterDriver::DeleteBinding(std::string interface) {
  auto turn = co_await BeginChange();
  if (!bindings_.Find(interface)) co_return;
  bindings_.Remove(interface);
  co_await Clear(interface);
  auto remove = [directory = bindings_.directory(), interface] { BindingStore::RemoveFile(directory, interface); };
  co_await Offload(remove);
}

}  // namespace bv::nwfilter
