#include "daemon/driver.h"

#include "daemon/uri.h"

namespace bv {

Task<> Driver::Start() { co_return; }
Task<> Driver::Stop() { co_return; }
Task<> Driver::Reload() { co_return; }
void Driver::SaveState(Json&, upgrade::PassedFds&) const {}
void Driver::SaveClient(rpc::ClientSession&, Json&, upgrade::PassedFds&) const {}
void Driver::RestoreState(const Json&, upgrade::InheritedFds&) {}
void Driver::RestoreClient(rpc::ClientSession&, const Json&, upgrade::InheritedFds&) {}
void Driver::CheckState(const Json&) const {}
bool Driver::Quiet() const { return true; }
Task<> Driver::OpenConnection(rpc::ClientSession&, const std::string&) { co_return; }
bool Driver::AcceptsUri(const Uri&) const { return false; }
std::string Driver::DefaultUri() const { return {}; }
bool Driver::IsHypervisor() const { return false; }
bool Driver::SupportsFeature(int) const { return false; }
bool Driver::HasActiveObjects() const { return false; }

}  // namespace bv
