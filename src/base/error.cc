#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace bv {

namespace {

// The sentence of each code, alone and with a detail. Clients show them and scripts match them.
struct Sentence {
  ErrorCode code;
  const char* bare;
  const char* detailed;
};

constexpr Sentence kSentences[] = {
    {ErrorCode::kInternalError, "internal error", "internal error: %s"},
    {ErrorCode::kNoMemory, "out of memory", "out of memory: %s"},
    {ErrorCode::kNoSupport, "this function is not supported by the connection driver", "this function is not supported by the connection driver: %s"},
    {ErrorCode::kUnknownHost, "unknown host", "unknown host %s"},
    {ErrorCode::kNoConnect, "no connection driver available", "no connection driver available for %s"},
    {ErrorCode::kInvalidConn, "invalid connection pointer in", "invalid connection pointer in %s"},
    {ErrorCode::kInvalidDomain, "invalid domain pointer in", "invalid domain pointer in %s"},
    {ErrorCode::kInvalidArg, "invalid argument", "invalid argument: %s"},
    {ErrorCode::kOperationFailed, "operation failed", "operation failed: %s"},
    {ErrorCode::kGetFailed, "GET operation failed", "GET operation failed: %s"},
    {ErrorCode::kPostFailed, "POST operation failed", "POST operation failed: %s"},
    {ErrorCode::kHttpError, "got unknown HTTP error code %d", "got unknown HTTP error code %d"},
    {ErrorCode::kOsType, "unknown OS type", "unknown OS type %s"},
    {ErrorCode::kNoKernel, "missing kernel information", "missing kernel information"},
    {ErrorCode::kNoRoot, "missing root device information", "missing root device information in %s"},
    {ErrorCode::kNoSource, "missing source information for device", "missing source information for device %s"},
    {ErrorCode::kNoTarget, "missing target information for device", "missing target information for device %s"},
    {ErrorCode::kNoName, "missing name information", "missing name information in %s"},
    {ErrorCode::kNoOs, "missing operating system information", "missing operating system information for %s"},
    {ErrorCode::kNoDevice, "missing devices information", "missing devices information for %s"},
    {ErrorCode::kDriverFull, "too many drivers registered", "too many drivers registered in %s"},
    {ErrorCode::kCallFailed, "library call failed", "library call failed: %s"},
    {ErrorCode::kXmlError, "XML description is invalid or not well formed", "XML error: %s"},
    {ErrorCode::kDomExist, "this domain exists already", "domain %s exists already"},
    {ErrorCode::kOperationDenied, "operation forbidden", "operation forbidden: %s"},
    {ErrorCode::kOpenFailed, "failed to open configuration file", "failed to open configuration file %s"},
    {ErrorCode::kReadFailed, "failed to read configuration file", "failed to read configuration file %s"},
    {ErrorCode::kParseFailed, "failed to parse configuration file", "failed to parse configuration file %s"},
    {ErrorCode::kConfSyntax, "configuration file syntax error", "configuration file syntax error: %s"},
    {ErrorCode::kWriteFailed, "failed to write configuration file", "failed to write configuration file: %s"},
    {ErrorCode::kXmlDetail, "parser error", "%s"},
    {ErrorCode::kInvalidNetwork, "invalid network pointer in", "invalid network pointer in %s"},
    {ErrorCode::kNetworkExist, "this network exists already", "network %s exists already"},
    {ErrorCode::kSystemError, "system call error", "%s"},
    {ErrorCode::kRpc, "RPC error", "%s"},
    {ErrorCode::kGnutlsError, "GNUTLS call error", "%s"},
    {ErrorCode::kWarNoNetwork, "Failed to find the network", "Failed to find the network: %s"},
    {ErrorCode::kNoDomain, "Domain not found", "Domain not found: %s"},
    {ErrorCode::kNoNetwork, "Network not found", "Network not found: %s"},
    {ErrorCode::kInvalidMac, "invalid MAC address", "invalid MAC address: %s"},
    {ErrorCode::kAuthFailed, "authentication failed", "authentication failed: %s"},
    {ErrorCode::kAuthCancelled, "authentication cancelled", "authentication cancelled: %s"},
    {ErrorCode::kAuthUnavailable, "authentication unavailable", "authentication unavailable: %s"},
    {ErrorCode::kInvalidStoragePool, "invalid storage pool pointer in", "invalid storage pool pointer in %s"},
    {ErrorCode::kInvalidStorageVol, "invalid storage volume pointer in", "invalid storage volume pointer in %s"},
    {ErrorCode::kWarNoStorage, "Failed to find a storage driver", "Failed to find a storage driver: %s"},
    {ErrorCode::kNoStoragePool, "Storage pool not found", "Storage pool not found: %s"},
    {ErrorCode::kNoStorageVol, "Storage volume not found", "Storage volume not found: %s"},
    {ErrorCode::kStorageProbeFailed, "Storage pool probe failed", "Storage pool probe failed: %s"},
    {ErrorCode::kStoragePoolBuilt, "Storage pool already built", "Storage pool already built: %s"},
    {ErrorCode::kStorageVolExist, "this storage volume exists already", "storage volume %s exists already"},
    {ErrorCode::kWarNoNode, "Failed to find a node driver", "Failed to find a node driver: %s"},
    {ErrorCode::kInvalidNodeDevice, "invalid node device pointer", "invalid node device pointer in %s"},
    {ErrorCode::kNoNodeDevice, "Node device not found", "Node device not found: %s"},
    {ErrorCode::kNoSecurityModel, "Security model not found", "Security model not found: %s"},
    {ErrorCode::kOperationInvalid, "Requested operation is not valid", "Requested operation is not valid: %s"},
    {ErrorCode::kWarNoInterface, "Failed to find the interface", "Failed to find the interface: %s"},
    {ErrorCode::kNoInterface, "Interface not found", "Interface not found: %s"},
    {ErrorCode::kInvalidInterface, "invalid interface pointer in", "invalid interface pointer in %s"},
    {ErrorCode::kMultipleInterfaces, "multiple matching interfaces found", "multiple matching interfaces found: %s"},
    {ErrorCode::kWarNoNwfilter, "Failed to start the nwfilter driver", "Failed to start the nwfilter driver: %s"},
    {ErrorCode::kInvalidNwfilter, "invalid network filter", "invalid network filter: %s"},
    {ErrorCode::kNoNwfilter, "Network filter not found", "Network filter not found: %s"},
    {ErrorCode::kBuildFirewall, "error while building firewall", "error while building firewall: %s"},
    {ErrorCode::kWarNoSecret, "Failed to find a secret storage driver", "Failed to find a secret storage driver: %s"},
    {ErrorCode::kInvalidSecret, "Invalid secret", "Invalid secret: %s"},
    {ErrorCode::kNoSecret, "Secret not found", "Secret not found: %s"},
    {ErrorCode::kConfigUnsupported, "unsupported configuration", "unsupported configuration: %s"},
    {ErrorCode::kOperationTimeout, "Timed out during operation", "Timed out during operation: %s"},
    {ErrorCode::kMigratePersistFailed, "Failed to make domain persistent after migration", "Failed to make domain persistent after migration: %s"},
    {ErrorCode::kHookScriptFailed, "Hook script execution failed", "Hook script execution failed: %s"},
    {ErrorCode::kInvalidDomainSnapshot, "Invalid snapshot", "Invalid snapshot: %s"},
    {ErrorCode::kNoDomainSnapshot, "Domain snapshot not found", "Domain snapshot not found: %s"},
    {ErrorCode::kInvalidDomainCheckpoint, "Invalid checkpoint", "Invalid checkpoint: %s"},
    {ErrorCode::kNoDomainCheckpoint, "Domain checkpoint not found", "Domain checkpoint not found: %s"},
    {ErrorCode::kNoDomainBackup, "Domain backup job id not found", "Domain backup job id not found: %s"},
    {ErrorCode::kInvalidStream, "invalid stream pointer", "invalid stream pointer in %s"},
    {ErrorCode::kArgumentUnsupported, "argument unsupported", "argument unsupported: %s"},
    {ErrorCode::kSnapshotRevertRisky, "revert requires force", "revert requires force: %s"},
    {ErrorCode::kOperationAborted, "operation aborted", "operation aborted: %s"},
    {ErrorCode::kNoDomainMetadata, "metadata not found", "metadata not found: %s"},
    {ErrorCode::kMigrateUnsafe, "Unsafe migration", "Unsafe migration: %s"},
    {ErrorCode::kOverflow, "numerical overflow", "numerical overflow: %s"},
    {ErrorCode::kBlockCopyActive, "block copy still active", "block copy still active: %s"},
    {ErrorCode::kOperationUnsupported, "Operation not supported", "Operation not supported: %s"},
    {ErrorCode::kSsh, "SSH transport error", "SSH transport error: %s"},
    {ErrorCode::kLibssh, "libssh transport error", "libssh transport error: %s"},
    {ErrorCode::kAgentUnresponsive, "Guest agent is not responding", "Guest agent is not responding: %s"},
    {ErrorCode::kAgentUnsynced, "guest agent replied with wrong id to guest-sync command", "guest agent replied with wrong id to guest-sync command: %s"},
    {ErrorCode::kResourceBusy, "resource busy", "resource busy: %s"},
    {ErrorCode::kAccessDenied, "access denied", "access denied: %s"},
    {ErrorCode::kDbusService, "error from service", "error from service: %s"},
    {ErrorCode::kCpuIncompatible, "the CPU is incompatible with host CPU", "the CPU is incompatible with host CPU: %s"},
    {ErrorCode::kXmlInvalidSchema, "XML document failed to validate against schema", "XML document failed to validate against schema: %s"},
    {ErrorCode::kMigrateFinishOk, "migration successfully aborted", "migration successfully aborted: %s"},
    {ErrorCode::kNoServer, "Server not found", "Server not found: %s"},
    {ErrorCode::kNoClient, "Client not found", "Client not found: %s"},
    {ErrorCode::kDeviceMissing, "device not found", "device not found: %s"},
    {ErrorCode::kInvalidNwfilterBinding, "Invalid network filter binding", "Invalid network filter binding: %s"},
    {ErrorCode::kNoNwfilterBinding, "Network filter binding not found", "Network filter binding not found: %s"},
    {ErrorCode::kInvalidNetworkPort, "Invalid network port pointer", "Invalid network port pointer: %s"},
    {ErrorCode::kNetworkPortExist, "this network port exists already", "network port %s exists already"},
    {ErrorCode::kNoNetworkPort, "network port not found", "network port not found: %s"},
    {ErrorCode::kNoHostname, "no hostname found", "no hostname found: %s"},
    {ErrorCode::kCheckpointInconsistent, "checkpoint inconsistent", "checkpoint inconsistent: %s"},
    {ErrorCode::kMultipleDomains, "multiple matching domains found", "multiple matching domains found: %s"},
};

const Sentence* FindSentence(ErrorCode code) {
  for (const Sentence& sentence : kSentences) {
    if (sentence.code == code) return &sentence;
  }
  return nullptr;
}

std::string Complete(std::string pattern, const std::string& detail) {
  if (auto at = pattern.find("%s"); at != std::string::npos) pattern.replace(at, 2, detail);
  return pattern;
}

}  // namespace

Error::Error(ErrorDomain domain, ErrorCode code, std::string detail) : domain(domain), code(code) {
  const Sentence* sentence = FindSentence(code);
  if (!sentence) {
    message = detail;
    return;
  }
  str1 = detail.empty() ? sentence->bare : sentence->detailed;
  message = detail.empty() ? str1 : Complete(str1, detail);
  str2 = std::move(detail);
}

Error SystemError(ErrorDomain domain, int error_number, const std::string& what) {
  Error error(domain, ErrorCode::kSystemError, what + ": " + std::strerror(error_number));
  error.int1 = error_number;
  return error;
}

Error SystemError(ErrorDomain domain, const std::string& what) { return SystemError(domain, errno, what); }

}  // namespace bv
