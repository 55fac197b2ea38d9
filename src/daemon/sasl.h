#pragma once

#include <memory>
#include <string>

#include "base/task.h"
#include "daemon/config.h"
#include "protocol/remote.h"
#include "rpc/service.h"

namespace bv {

// Answers AUTH_SASL_*: on TCP the mechanism must encrypt, and does so from the reply that completes
// the negotiation on; on TLS and Unix sockets it only tells who the client is. libsasl2 is loaded
// with the first client that asks.
class SaslService {
 public:
  explicit SaslService(const DaemonConfig& config) : config_(config) {}
  void Register(Service& service);
  // Throws kConfigUnsupported in a build that has no SASL.
  static void Require();

 private:
  Task<remote::AuthSaslInitRet> Init(Call& call);
  Task<remote::AuthSaslStartRet> Start(Call& call, remote::AuthSaslStartArgs args);
  Task<remote::AuthSaslStepRet> Step(Call& call, remote::AuthSaslStepArgs args);

  struct Negotiation;
  struct Answer;
  // Refuses, forgetting what was negotiated.
  [[noreturn]] void Fail(ClientSession& client, const std::string& why) const;
  Task<Answer> Go(Call& call, std::string mechanism, bool nil, std::string data);
  void Finish(Call& call, Negotiation& negotiation) const;

  const DaemonConfig& config_;
};

}  // namespace bv
