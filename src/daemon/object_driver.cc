#include "daemon/object_driver.h"

#include "base/files.h"
#include "daemon/uri.h"
#include "upgrade/fds.h"

namespace bv {

ObjectDriver::ObjectDriver(const DriverEnvironment& environment, const char* name, ErrorDomain domain, Subscriptions* events)
    : privileged_(environment.privileged), name_(name), domain_(domain), events_(events) {}

void ObjectDriver::LockState(const std::string& directory, mode_t mode) {
  MakeDirs(directory, mode);
  lock_.emplace(directory + "/driver.pid", std::move(inherited_lock_));
}

Task<> ObjectDriver::Stop() {
  lock_.reset();
  co_return;
}

void ObjectDriver::Register(Service& service) { service.On<remote::proc::ConnectGetType>(this, &ObjectDriver::GetType); }

bool ObjectDriver::AcceptsUri(const Uri& uri) const { return AcceptsLocalUri(uri, name_, privileged_, domain_); }

std::string ObjectDriver::DefaultUri() const { return std::string(name_) + (privileged_ ? ":///system" : ":///session"); }

Task<remote::ConnectGetTypeRet> ObjectDriver::GetType(Call&) {
  remote::ConnectGetTypeRet ret;
  ret.type = name_;
  co_return ret;
}

Json ObjectDriver::SaveMore(upgrade::PassedFds&) const { return Json::Object(); }
void ObjectDriver::RestoreMore(const Json&, upgrade::InheritedFds&) {}

void ObjectDriver::SaveState(Json& state, upgrade::PassedFds& fds) const {
  Json ours = SaveMore(fds);
  if (events_) ours.Set("nextCallback", events_->next());
  if (lock_) ours.Set("lock", fds.Pass(lock_->fd()));
  state.Set(name_, ours);
}

void ObjectDriver::RestoreState(const Json& state, upgrade::InheritedFds& fds) {
  Json ours = state.Find(name_);
  if (Json lock = ours.Find("lock")) inherited_lock_ = fds.Take(lock);
  if (events_) events_->set_next(static_cast<int>(ours.Find("nextCallback").AsInt().value_or(0)));
  RestoreMore(ours, fds);
}

void ObjectDriver::SaveClient(ClientSession& client, Json& state, upgrade::PassedFds&) const {
  if (!events_) return;
  Json events = events_->Save(client);
  if (events.size() > 0) state.Set(name_, Json::Object({{"events", events}}));
}

void ObjectDriver::RestoreClient(ClientSession& client, const Json& state, upgrade::InheritedFds&) {
  if (events_) events_->Restore(client, state.Find(name_).Find("events"));
}

}  // namespace bv
