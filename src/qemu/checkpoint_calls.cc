// Checkpoints that are known of, and making and deleting them.

#include <fmt/core.h>

#include <ctime>

#include "base/error.h"
#include "base/schema.h"
#include "base/verbatim_error.h"
#include "qemu/checkpoint_calls.h"
#include "qemu/checkpoint_rules.h"
#include "qemu/defaults/defaults.h"
#include "qemu/driver.h"
#include "qemu/moment_store.h"

namespace bv::qemu {
namespace {

using namespace moment_list;

[[noreturn]] void NotThere(std::string what) { throw Error(ErrorDomain::kQemu, ErrorCode::kNoDomainCheckpoint, std::move(what)); }

model::Checkpoint& FindCheckpoint(const Domain& domain, const std::string& name) {
  auto* checkpoint = domain.moments ? domain.moments->checkpoints.Find(name) : nullptr;
  if (!checkpoint) NotThere(fmt::format("no domain checkpoint with matching name '{}'", name));
  return *checkpoint;
}

remote::NonnullDomainCheckpoint RefOf(const Domain& domain, const model::Checkpoint& checkpoint) {
  return {checkpoint.name, domain.Ref()};
}

template <typename Ret>
Ret ListAnswer(const Domain& domain, const model::Checkpoint* from, bool need_results, unsigned flags) {
  Ret ret;
  if (!domain.moments) return ret;
  auto checkpoints = ListCheckpoints(domain.moments->checkpoints, from, flags);
  if (need_results) {
    for (auto* checkpoint : checkpoints) ret.checkpoints.push_back(RefOf(domain, *checkpoint));
  }
  ret.ret = static_cast<int>(checkpoints.size());
  return ret;
}

}  // namespace

void CheckpointCalls::Register(Service& service) {
#define BV_REGISTER(NAME) service.On<remote::proc::NAME>(this, &CheckpointCalls::NAME);
  BV_QEMU_CHECKPOINT_CALLS(BV_REGISTER)
#undef BV_REGISTER
}

Task<DomainPtr> CheckpointCalls::Find(remote::NonnullDomain dom) { return driver_->Get(std::move(dom)); }

Task<remote::DomainListAllCheckpointsRet> CheckpointCalls::DomainListAllCheckpoints(Call&, remote::DomainListAllCheckpointsArgs args) {
  CheckFlags(args.flags, kCheckpointFlags, "qemuDomainListAllCheckpoints");
  auto domain = co_await Find(args.dom);
  co_return ListAnswer<remote::DomainListAllCheckpointsRet>(*domain, nullptr, args.need_results, args.flags);
}

Task<remote::DomainCheckpointListAllChildrenRet> CheckpointCalls::DomainCheckpointListAllChildren(
    Call&, remote::DomainCheckpointListAllChildrenArgs args) {
  CheckFlags(args.flags, kCheckpointFlags, "qemuDomainCheckpointListAllChildren");
  auto domain = co_await Find(args.checkpoint.dom);
  auto& from = FindCheckpoint(*domain, args.checkpoint.name);
  co_return ListAnswer<remote::DomainCheckpointListAllChildrenRet>(*domain, &from, args.need_results, args.flags);
}

Task<remote::DomainCheckpointLookupByNameRet> CheckpointCalls::DomainCheckpointLookupByName(
    Call&, remote::DomainCheckpointLookupByNameArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainCheckpointLookupByName");
  auto domain = co_await Find(args.dom);
  co_return remote::DomainCheckpointLookupByNameRet{RefOf(*domain, FindCheckpoint(*domain, args.name))};
}

Task<remote::DomainCheckpointGetParentRet> CheckpointCalls::DomainCheckpointGetParent(Call&, remote::DomainCheckpointGetParentArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainCheckpointGetParent");
  auto domain = co_await Find(args.checkpoint.dom);
  auto& checkpoint = FindCheckpoint(*domain, args.checkpoint.name);
  auto* parent = domain->moments->checkpoints.ParentOf(checkpoint);
  if (!parent) NotThere(fmt::format("checkpoint '{}' does not have a parent", checkpoint.name));
  co_return remote::DomainCheckpointGetParentRet{RefOf(*domain, *parent)};
}

Task<remote::DomainCheckpointGetXmlDescRet> CheckpointCalls::DomainCheckpointGetXmlDesc(Call&, remote::DomainCheckpointGetXmlDescArgs args) {
  enum : unsigned { kSecure = 1, kNoDomain = 2, kSize = 4 };
  CheckFlags(args.flags, kSecure | kNoDomain | kSize, "qemuDomainCheckpointGetXMLDesc");
  auto domain = co_await Find(args.checkpoint.dom);
  if (args.flags & kSize) co_await Measure(domain, args.checkpoint.name);
  auto& checkpoint = FindCheckpoint(*domain, args.checkpoint.name);
  model::CheckpointFormat format;
  format.secure = args.flags & kSecure;
  format.domain = !(args.flags & kNoDomain);
  remote::DomainCheckpointGetXmlDescRet ret;
  ret.xml = model::FormatCheckpoint(checkpoint, format);
  for (auto& disk : checkpoint.disks) disk.size.reset();
  co_return ret;
}

Task<remote::DomainCheckpointCreateXmlRet> CheckpointCalls::DomainCheckpointCreateXml(Call&, remote::DomainCheckpointCreateXmlArgs args) {
  enum : unsigned { kRedefine = 1, kQuiesce = 2, kRedefineValidate = 4 };
  CheckFlags(args.flags, kRedefine | kQuiesce | kRedefineValidate, "qemuCheckpointCreateXML");
  if ((args.flags & kRedefine) && (args.flags & kQuiesce))
    throw VerbatimError(ErrorDomain::kDomainCheckpoint, ErrorCode::kInvalidArg,
                        "Flags 'VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE' and 'VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE' are mutually exclusive");
  if ((args.flags & kRedefineValidate) && !(args.flags & kRedefine))
    throw VerbatimError(ErrorDomain::kDomainCheckpoint, ErrorCode::kInvalidArg,
                        "Flag 'VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE' is required by flag 'VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE'");
  auto domain = co_await Find(args.dom);
  bool redefine = args.flags & kRedefine;
  if (!redefine && !domain->active())
    throw Error(ErrorDomain::kQemu, ErrorCode::kOperationUnsupported, "cannot create checkpoint for inactive domain");
  const bool validate = co_await xml::StillToValidate(true, args.xml_desc, "domaincheckpoint", "domaincheckpoint");
  unsigned parse = (validate ? unsigned{model::kMomentValidate} : 0u) | (redefine ? unsigned{model::kMomentRedefine} : 0u);
  auto checkpoint = std::make_unique<model::Checkpoint>(model::ParseCheckpoint(args.xml_desc, parse));
  std::string name;
  if (redefine) name = co_await Redefine(domain, std::move(checkpoint), args.flags & kRedefineValidate);
  else name = co_await Create(domain, std::move(checkpoint), args.flags & kQuiesce);
  co_return remote::DomainCheckpointCreateXmlRet{{name, domain->Ref()}};
}

Task<std::string> CheckpointCalls::Redefine(DomainPtr domain, std::unique_ptr<model::Checkpoint> checkpoint, bool validate) {
  if (auto* def = checkpoint->domain.get()) {
    model::CompleteDomain(*def, model::kParseInactive);
    ResolveEmulator(*def);
    auto caps = co_await driver_->CapsOf(*def);
    PostParse(*def, *caps, *driver_->config_);
  }
  CheckMomentName(checkpoint->name, "checkpoint");
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainCheckpointCreateXML");
  auto& tree = MomentStore::Of(domain).checkpoints;
  PrepareRedefinition(tree, *checkpoint, domain->uuid());
  if (validate) {
    RequireActive(*domain);
    co_await CheckBitmaps(domain, *checkpoint);
  }
  auto name = checkpoint->name;
  tree.Add(std::move(checkpoint));
  // The next one follows one that no other follows.
  for (auto* leaf : ListCheckpoints(tree, tree.current(), kDescendants | kLeaves)) tree.set_current(leaf->name);
  co_await driver_->moments_->StoreCheckpoint(domain, name);
  co_return name;
}

}  // namespace bv::qemu
