#pragma once

#include "protocol/remote/types.h"

// The connection itself and the hypervisor behind it.

namespace bv::remote {

inline constexpr uint32_t kConnectCpuModelsMax = 8192;
inline constexpr uint32_t kCpuBaselineMax = 256;

struct ConnectOpenArgs {
  std::optional<std::string> name;
  uint32_t flags = 0;
  XDR_FIELDS(name, flags)
};
RPC_CALL(1, ConnectOpen, ConnectOpenArgs, void, .priority = true, .acl = {Permission::kConnectGetattr})

RPC_CALL(2, ConnectClose, void, void, .priority = true)

struct ConnectGetTypeRet {
  std::string type;
  XDR_FIELDS(type)
};
RPC_CALL(3, ConnectGetType, void, ConnectGetTypeRet, .priority = true, .acl = {Permission::kConnectGetattr})

struct ConnectGetVersionRet {
  uint64_t hv_ver = 0;
  XDR_FIELDS(hv_ver)
};
RPC_CALL(4, ConnectGetVersion, void, ConnectGetVersionRet, .priority = true,
         .acl = {Permission::kConnectGetattr})

struct ConnectGetMaxVcpusArgs {
  std::optional<std::string> type;
  XDR_FIELDS(type)
};
struct ConnectGetMaxVcpusRet {
  int32_t max_vcpus = 0;
  XDR_FIELDS(max_vcpus)
};
RPC_CALL(5, ConnectGetMaxVcpus, ConnectGetMaxVcpusArgs, ConnectGetMaxVcpusRet, .priority = true,
         .acl = {Permission::kConnectRead})

struct ConnectGetCapabilitiesRet {
  std::string capabilities;
  XDR_FIELDS(capabilities)
};
RPC_CALL(7, ConnectGetCapabilities, void, ConnectGetCapabilitiesRet, .acl = {Permission::kConnectRead})

struct ConnectGetHostnameRet {
  std::string hostname;
  XDR_FIELDS(hostname)
};
RPC_CALL(59, ConnectGetHostname, void, ConnectGetHostnameRet, .priority = true,
         .acl = {Permission::kConnectGetattr})

struct ConnectSupportsFeatureArgs {
  int32_t feature = 0;
  XDR_FIELDS(feature)
};
struct ConnectSupportsFeatureRet {
  int32_t supported = 0;
  XDR_FIELDS(supported)
};
RPC_CALL(60, ConnectSupportsFeature, ConnectSupportsFeatureArgs, ConnectSupportsFeatureRet, .priority = true,
         .acl = {Permission::kConnectGetattr})

struct ConnectGetUriRet {
  std::string uri;
  XDR_FIELDS(uri)
};
RPC_CALL(110, ConnectGetUri, void, ConnectGetUriRet, .priority = true, .acl = {Permission::kConnectGetattr})

struct ConnectIsSecureRet {
  int32_t secure = 0;
  XDR_FIELDS(secure)
};
RPC_CALL(149, ConnectIsSecure, void, ConnectIsSecureRet, .priority = true)

struct ConnectGetLibVersionRet {
  uint64_t lib_ver = 0;
  XDR_FIELDS(lib_ver)
};
RPC_CALL(157, ConnectGetLibVersion, void, ConnectGetLibVersionRet, .priority = true,
         .acl = {Permission::kConnectGetattr})

struct ConnectCompareCpuArgs {
  std::string xml;
  uint32_t flags = 0;
  XDR_FIELDS(xml, flags)
};
struct ConnectCompareCpuRet {
  int32_t result = 0;
  XDR_FIELDS(result)
};
RPC_CALL(158, ConnectCompareCpu, ConnectCompareCpuArgs, ConnectCompareCpuRet, .priority = true,
         .acl = {Permission::kConnectRead})

struct ConnectBaselineCpuArgs {
  xdr::List<std::string, kCpuBaselineMax> xmlCPUs;
  uint32_t flags = 0;
  XDR_FIELDS(xmlCPUs, flags)
};
struct ConnectBaselineCpuRet {
  std::string cpu;
  XDR_FIELDS(cpu)
};
RPC_CALL(162, ConnectBaselineCpu, ConnectBaselineCpuArgs, ConnectBaselineCpuRet,
         .acl = {Permission::kConnectRead})

struct ConnectGetSysinfoArgs {
  uint32_t flags = 0;
  XDR_FIELDS(flags)
};
struct ConnectGetSysinfoRet {
  std::string sysinfo;
  XDR_FIELDS(sysinfo)
};
RPC_CALL(203, ConnectGetSysinfo, ConnectGetSysinfoArgs, ConnectGetSysinfoRet, .priority = true,
         .acl = {Permission::kConnectRead})

struct ConnectGetCpuModelNamesArgs {
  std::string arch;
  int32_t need_results = 0;
  uint32_t flags = 0;
  XDR_FIELDS(arch, need_results, flags)
};
struct ConnectGetCpuModelNamesRet {
  xdr::List<std::string, kConnectCpuModelsMax> models;
  int32_t ret = 0;
  XDR_FIELDS(models, ret)
};
RPC_CALL(312, ConnectGetCpuModelNames, ConnectGetCpuModelNamesArgs, ConnectGetCpuModelNamesRet,
         .acl = {Permission::kConnectRead})

struct ConnectGetDomainCapabilitiesArgs {
  std::optional<std::string> emulatorbin;
  std::optional<std::string> arch;
  std::optional<std::string> machine;
  std::optional<std::string> virttype;
  uint32_t flags = 0;
  XDR_FIELDS(emulatorbin, arch, machine, virttype, flags)
};
struct ConnectGetDomainCapabilitiesRet {
  std::string capabilities;
  XDR_FIELDS(capabilities)
};
RPC_CALL(342, ConnectGetDomainCapabilities, ConnectGetDomainCapabilitiesArgs, ConnectGetDomainCapabilitiesRet,
         .acl = {Permission::kConnectWrite})

RPC_CALL(360, ConnectRegisterCloseCallback, void, void, .priority = true,
         .acl = {Permission::kConnectGetattr})

RPC_CALL(361, ConnectUnregisterCloseCallback, void, void, .priority = true,
         .acl = {Permission::kConnectGetattr})

struct ConnectEventConnectionClosedMsg {
  int32_t reason = 0;
  XDR_FIELDS(reason)
};
RPC_EVENT(362, ConnectEventConnectionClosed, ConnectEventConnectionClosedMsg)

struct ConnectCompareHypervisorCpuArgs {
  std::optional<std::string> emulator;
  std::optional<std::string> arch;
  std::optional<std::string> machine;
  std::optional<std::string> virttype;
  std::string xmlCPU;
  uint32_t flags = 0;
  XDR_FIELDS(emulator, arch, machine, virttype, xmlCPU, flags)
};
struct ConnectCompareHypervisorCpuRet {
  int32_t result = 0;
  XDR_FIELDS(result)
};
RPC_CALL(393, ConnectCompareHypervisorCpu, ConnectCompareHypervisorCpuArgs, ConnectCompareHypervisorCpuRet,
         .acl = {Permission::kConnectWrite})

struct ConnectBaselineHypervisorCpuArgs {
  std::optional<std::string> emulator;
  std::optional<std::string> arch;
  std::optional<std::string> machine;
  std::optional<std::string> virttype;
  xdr::List<std::string, kCpuBaselineMax> xmlCPUs;
  uint32_t flags = 0;
  XDR_FIELDS(emulator, arch, machine, virttype, xmlCPUs, flags)
};
struct ConnectBaselineHypervisorCpuRet {
  std::string cpu;
  XDR_FIELDS(cpu)
};
RPC_CALL(394, ConnectBaselineHypervisorCpu, ConnectBaselineHypervisorCpuArgs, ConnectBaselineHypervisorCpuRet,
         .acl = {Permission::kConnectWrite})

}  // namespace bv::remote
