// Snapshots that are known of: listing and looking them up, and their metadata.

#include <fmt/core.h>

#include "base/error.h"
#include "qemu/defaults/defaults.h"
#include "qemu/driver.h"
#include "qemu/snapshot_calls.h"

namespace bv::qemu {
namespace {

using namespace moment_list;

[[noreturn]] void NotThere(std::string what) { throw Error(ErrorDomain::kQemu, ErrorCode::kNoDomainSnapshot, std::move(what)); }

model::Snapshot& FindSnapshot(const Domain& domain, const std::string& name) {
  auto* snapshot = domain.moments ? domain.moments->snapshots.Find(name) : nullptr;
  if (!snapshot) NotThere(fmt::format("no domain snapshot with matching name '{}'", name));
  return *snapshot;
}

model::Snapshot* CurrentSnapshot(const Domain& domain) {
  return domain.moments ? domain.moments->snapshots.current() : nullptr;
}

remote::NonnullDomainSnapshot RefOf(const Domain& domain, const model::Snapshot& snapshot) {
  return {snapshot.name, domain.Ref()};
}

std::vector<model::Snapshot*> ListOf(const Domain& domain, const model::Snapshot* from, unsigned flags) {
  return domain.moments ? ListSnapshots(domain.moments->snapshots, from, flags) : std::vector<model::Snapshot*>();
}

// As many names as the client has room for.
std::vector<std::string> NamesOf(const std::vector<model::Snapshot*>& snapshots, int room) {
  std::vector<std::string> names;
  for (auto* snapshot : snapshots) {
    if (static_cast<int>(names.size()) < room) names.push_back(snapshot->name);
  }
  return names;
}

template <typename Ret>
Ret ListAnswer(const Domain& domain, const std::vector<model::Snapshot*>& snapshots, bool need_results) {
  Ret ret;
  if (need_results) {
    for (auto* snapshot : snapshots) ret.snapshots.push_back(RefOf(domain, *snapshot));
  }
  ret.ret = static_cast<int>(snapshots.size());
  return ret;
}

}  // namespace

void SnapshotCalls::Register(Service& service) {
#define BV_REGISTER(NAME) service.On<remote::proc::NAME>(this, &SnapshotCalls::NAME);
  BV_QEMU_SNAPSHOT_CALLS(BV_REGISTER)
#undef BV_REGISTER
}

Task<DomainPtr> SnapshotCalls::Find(remote::NonnullDomain dom) { return driver_->Get(std::move(dom)); }

Task<> SnapshotCalls::Complete(model::DomainDef& def) {
  model::CompleteDomain(def, model::kParseInactive);
  ResolveEmulator(def);
  auto caps = co_await driver_->CapsOf(def);
  PostParse(def, *caps, *driver_->config_);
}

Task<remote::DomainSnapshotNumRet> SnapshotCalls::DomainSnapshotNum(Call&, remote::DomainSnapshotNumArgs args) {
  CheckFlags(args.flags, kSnapshotFlags, "qemuDomainSnapshotNum");
  auto domain = co_await Find(args.dom);
  co_return remote::DomainSnapshotNumRet{static_cast<int>(ListOf(*domain, nullptr, args.flags).size())};
}

Task<remote::DomainSnapshotListNamesRet> SnapshotCalls::DomainSnapshotListNames(Call&, remote::DomainSnapshotListNamesArgs args) {
  CheckFlags(args.flags, kSnapshotFlags, "qemuDomainSnapshotListNames");
  auto domain = co_await Find(args.dom);
  remote::DomainSnapshotListNamesRet ret;
  ret.names = NamesOf(ListOf(*domain, nullptr, args.flags), args.maxnames);
  co_return ret;
}

Task<remote::DomainListAllSnapshotsRet> SnapshotCalls::DomainListAllSnapshots(Call&, remote::DomainListAllSnapshotsArgs args) {
  CheckFlags(args.flags, kSnapshotFlags, "qemuDomainListAllSnapshots");
  auto domain = co_await Find(args.dom);
  co_return ListAnswer<remote::DomainListAllSnapshotsRet>(*domain, ListOf(*domain, nullptr, args.flags), args.need_results);
}

Task<remote::DomainSnapshotNumChildrenRet> SnapshotCalls::DomainSnapshotNumChildren(Call&, remote::DomainSnapshotNumChildrenArgs args) {
  CheckFlags(args.flags, kSnapshotFlags, "qemuDomainSnapshotNumChildren");
  auto domain = co_await Find(args.snap.dom);
  auto& from = FindSnapshot(*domain, args.snap.name);
  co_return remote::DomainSnapshotNumChildrenRet{static_cast<int>(ListOf(*domain, &from, args.flags).size())};
}

Task<remote::DomainSnapshotListChildrenNamesRet> SnapshotCalls::DomainSnapshotListChildrenNames(
    Call&, remote::DomainSnapshotListChildrenNamesArgs args) {
  CheckFlags(args.flags, kSnapshotFlags, "qemuDomainSnapshotListChildrenNames");
  auto domain = co_await Find(args.snap.dom);
  auto& from = FindSnapshot(*domain, args.snap.name);
  remote::DomainSnapshotListChildrenNamesRet ret;
  ret.names = NamesOf(ListOf(*domain, &from, args.flags), args.maxnames);
  co_return ret;
}

Task<remote::DomainSnapshotListAllChildrenRet> SnapshotCalls::DomainSnapshotListAllChildren(
    Call&, remote::DomainSnapshotListAllChildrenArgs args) {
  CheckFlags(args.flags, kSnapshotFlags, "qemuDomainSnapshotListAllChildren");
  auto domain = co_await Find(args.snapshot.dom);
  auto& from = FindSnapshot(*domain, args.snapshot.name);
  co_return ListAnswer<remote::DomainSnapshotListAllChildrenRet>(*domain, ListOf(*domain, &from, args.flags), args.need_results);
}

Task<remote::DomainSnapshotLookupByNameRet> SnapshotCalls::DomainSnapshotLookupByName(Call&, remote::DomainSnapshotLookupByNameArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainSnapshotLookupByName");
  auto domain = co_await Find(args.dom);
  co_return remote::DomainSnapshotLookupByNameRet{RefOf(*domain, FindSnapshot(*domain, args.name))};
}

Task<remote::DomainHasCurrentSnapshotRet> SnapshotCalls::DomainHasCurrentSnapshot(Call&, remote::DomainHasCurrentSnapshotArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainHasCurrentSnapshot");
  auto domain = co_await Find(args.dom);
  co_return remote::DomainHasCurrentSnapshotRet{CurrentSnapshot(*domain) != nullptr};
}

Task<remote::DomainSnapshotCurrentRet> SnapshotCalls::DomainSnapshotCurrent(Call&, remote::DomainSnapshotCurrentArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainSnapshotCurrent");
  auto domain = co_await Find(args.dom);
  auto* current = CurrentSnapshot(*domain);
  if (!current) NotThere("the domain does not have a current snapshot");
  co_return remote::DomainSnapshotCurrentRet{RefOf(*domain, *current)};
}

Task<remote::DomainSnapshotGetParentRet> SnapshotCalls::DomainSnapshotGetParent(Call&, remote::DomainSnapshotGetParentArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainSnapshotGetParent");
  auto domain = co_await Find(args.snap.dom);
  auto& snapshot = FindSnapshot(*domain, args.snap.name);
  auto* parent = domain->moments->snapshots.ParentOf(snapshot);
  if (!parent) NotThere(fmt::format("snapshot '{}' does not have a parent", snapshot.name));
  co_return remote::DomainSnapshotGetParentRet{RefOf(*domain, *parent)};
}

Task<remote::DomainSnapshotIsCurrentRet> SnapshotCalls::DomainSnapshotIsCurrent(Call&, remote::DomainSnapshotIsCurrentArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainSnapshotIsCurrent");
  auto domain = co_await Find(args.snap.dom);
  auto& snapshot = FindSnapshot(*domain, args.snap.name);
  co_return remote::DomainSnapshotIsCurrentRet{CurrentSnapshot(*domain) == &snapshot};
}

Task<remote::DomainSnapshotHasMetadataRet> SnapshotCalls::DomainSnapshotHasMetadata(Call&, remote::DomainSnapshotHasMetadataArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainSnapshotHasMetadata");
  auto domain = co_await Find(args.snap.dom);
  FindSnapshot(*domain, args.snap.name);
  co_return remote::DomainSnapshotHasMetadataRet{1};
}

Task<remote::DomainSnapshotGetXmlDescRet> SnapshotCalls::DomainSnapshotGetXmlDesc(Call&, remote::DomainSnapshotGetXmlDescArgs args) {
  constexpr unsigned kSecure = 1;
  CheckFlags(args.flags, kSecure, "qemuDomainSnapshotGetXMLDesc");
  auto domain = co_await Find(args.snap.dom);
  auto& snapshot = FindSnapshot(*domain, args.snap.name);
  co_return remote::DomainSnapshotGetXmlDescRet{model::FormatSnapshot(snapshot, {.secure = (args.flags & kSecure) != 0})};
}

}  // namespace bv::qemu
