#pragma once

#include "protocol/remote/types.h"

// Secrets.

namespace bv::remote {

inline constexpr uint32_t kSecretListMax = 16384;
inline constexpr uint32_t kSecretValueMax = 65536;

struct ConnectNumOfSecretsRet {
  int32_t num = 0;
  XDR_FIELDS(num)
};
RPC_CALL(139, ConnectNumOfSecrets, void, ConnectNumOfSecretsRet, .priority = true,
         .acl = {Permission::kConnectSearchSecrets}, .filter = {Permission::kSecretGetattr})

struct ConnectListSecretsArgs {
  int32_t maxuuids = 0;
  XDR_FIELDS(maxuuids)
};
struct ConnectListSecretsRet {
  xdr::List<std::string, kSecretListMax> uuids;
  XDR_FIELDS(uuids)
};
RPC_CALL(140, ConnectListSecrets, ConnectListSecretsArgs, ConnectListSecretsRet, .priority = true,
         .acl = {Permission::kConnectSearchSecrets}, .filter = {Permission::kSecretGetattr})

struct SecretLookupByUuidArgs {
  Uuid uuid;
  XDR_FIELDS(uuid)
};
struct SecretLookupByUuidRet {
  NonnullSecret secret;
  XDR_FIELDS(secret)
};
RPC_CALL(141, SecretLookupByUuid, SecretLookupByUuidArgs, SecretLookupByUuidRet, .priority = true,
         .acl = {Permission::kSecretGetattr})

struct SecretDefineXmlArgs {
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(xml, flags)
};
struct SecretDefineXmlRet {
  NonnullSecret secret;
  XDR_FIELDS(secret)
};
RPC_CALL(142, SecretDefineXml, SecretDefineXmlArgs, SecretDefineXmlRet, .priority = true,
         .acl = {Permission::kSecretWrite, Permission::kSecretSave})

struct SecretGetXmlDescArgs {
  NonnullSecret secret;
  uint32_t flags = 0;
  XDR_FIELDS(secret, flags)
};
struct SecretGetXmlDescRet {
  std::string xml;
  XDR_FIELDS(xml)
};
RPC_CALL(143, SecretGetXmlDesc, SecretGetXmlDescArgs, SecretGetXmlDescRet, .priority = true,
         .acl = {Permission::kSecretRead})

struct SecretSetValueArgs {
  NonnullSecret secret;
  xdr::Opaque<kSecretValueMax> value;
  uint32_t flags = 0;
  XDR_FIELDS(secret, value, flags)
};
RPC_CALL(144, SecretSetValue, SecretSetValueArgs, void, .priority = true, .acl = {Permission::kSecretWrite})

struct SecretGetValueArgs {
  NonnullSecret secret;
  uint32_t flags = 0;
  XDR_FIELDS(secret, flags)
};
struct SecretGetValueRet {
  xdr::Opaque<kSecretValueMax> value;
  XDR_FIELDS(value)
};
RPC_CALL(145, SecretGetValue, SecretGetValueArgs, SecretGetValueRet, .priority = true,
         .acl = {Permission::kSecretReadSecure})

struct SecretUndefineArgs {
  NonnullSecret secret;
  XDR_FIELDS(secret)
};
RPC_CALL(146, SecretUndefine, SecretUndefineArgs, void, .priority = true, .acl = {Permission::kSecretDelete})

struct SecretLookupByUsageArgs {
  int32_t usageType = 0;
  std::string usageID;
  XDR_FIELDS(usageType, usageID)
};
struct SecretLookupByUsageRet {
  NonnullSecret secret;
  XDR_FIELDS(secret)
};
RPC_CALL(147, SecretLookupByUsage, SecretLookupByUsageArgs, SecretLookupByUsageRet, .priority = true,
         .acl = {Permission::kSecretGetattr})

struct ConnectListAllSecretsArgs {
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(need_results, flags)
};
struct ConnectListAllSecretsRet {
  xdr::List<NonnullSecret, kSecretListMax> secrets;
  uint32_t ret = 0;
  XDR_FIELDS(secrets, ret)
};
RPC_CALL(287, ConnectListAllSecrets, ConnectListAllSecretsArgs, ConnectListAllSecretsRet, .priority = true,
         .acl = {Permission::kConnectSearchSecrets}, .filter = {Permission::kSecretGetattr})

struct ConnectSecretEventRegisterAnyArgs {
  int32_t eventID = 0;
  std::optional<NonnullSecret> secret;
  XDR_FIELDS(eventID, secret)
};
struct ConnectSecretEventRegisterAnyRet {
  int32_t callbackID = 0;
  XDR_FIELDS(callbackID)
};
RPC_CALL(380, ConnectSecretEventRegisterAny, ConnectSecretEventRegisterAnyArgs,
         ConnectSecretEventRegisterAnyRet, .priority = true, .acl = {Permission::kConnectSearchSecrets},
         .filter = {Permission::kSecretGetattr})

struct ConnectSecretEventDeregisterAnyArgs {
  int32_t callbackID = 0;
  XDR_FIELDS(callbackID)
};
RPC_CALL(381, ConnectSecretEventDeregisterAny, ConnectSecretEventDeregisterAnyArgs, void, .priority = true,
         .acl = {Permission::kConnectRead})

struct SecretEventLifecycleMsg {
  int32_t callbackID = 0;
  NonnullSecret secret;
  int32_t event = 0;
  int32_t detail = 0;
  XDR_FIELDS(callbackID, secret, event, detail)
};
RPC_EVENT(382, SecretEventLifecycle, SecretEventLifecycleMsg)

struct SecretEventValueChangedMsg {
  int32_t callbackID = 0;
  NonnullSecret secret;
  XDR_FIELDS(callbackID, secret)
};
RPC_EVENT(383, SecretEventValueChanged, SecretEventValueChangedMsg)

}  // namespace bv::remote
