#include "rpc/service.h"

#include <algorithm>

namespace bv::rpc {

ClientSession::~ClientSession() = default;

std::shared_ptr<void>& ClientSession::StateSlot(const void* tag) {
  for (auto& [key, state] : states_) {
    if (key == tag) return state;
  }
  return states_.emplace_back(tag, nullptr).second;
}

size_t ClientSession::OnClose(std::function<void()> callback) {
  on_close_.emplace_back(next_on_close_, std::move(callback));
  return next_on_close_++;
}

void ClientSession::RemoveOnClose(size_t id) {
  std::erase_if(on_close_, [id](const auto& entry) { return entry.first == id; });
}

void ClientSession::RunOnClose() {
  // A callback may add or remove others.
  while (!on_close_.empty()) {
    auto callback = std::move(on_close_.front().second);
    on_close_.erase(on_close_.begin());
    callback();
  }
}

Service::Service() = default;
Service::~Service() = default;

void Service::AddProgram(const Program& program) { Served(program); }

Service::ServedProgram& Service::Served(const Program& program) {
  for (auto& served : programs_) {
    if (served->program == &program) return *served;
  }
  auto served = std::make_unique<ServedProgram>();
  served->program = &program;
  served->handlers.resize(program.count);
  return *programs_.emplace_back(std::move(served));
}

void Service::Add(const Program& program, int32_t number, const detail::Handler& handler) {
  Served(program).handlers[static_cast<size_t>(number - 1)].push_back(handler);
}

const Service::ServedProgram* Service::Find(uint32_t id, uint32_t version) const {
  for (const auto& served : programs_) {
    if (served->program->id == id && served->program->version == version) return served.get();
  }
  return nullptr;
}

const detail::Handler* Service::FindHandler(const ServedProgram& program, int32_t number,
                                            const ClientSession& client) const {
  const auto& handlers = program.handlers[static_cast<size_t>(number - 1)];
  if (client.owners().empty()) return handlers.empty() ? nullptr : &handlers.front();
  for (const void* owner : client.owners()) {
    for (const detail::Handler& handler : handlers) {
      if (handler.owner == owner) return &handler;
    }
  }
  // What nobody in particular owns (the daemon's own calls) serves every connection.
  for (const detail::Handler& handler : handlers) {
    if (!handler.owner) return &handler;
  }
  return nullptr;
}

}  // namespace bv::rpc
