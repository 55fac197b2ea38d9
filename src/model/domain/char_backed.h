#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "model/domain/address.h"
#include "model/domain/chardev.h"
#include "model/value.h"

// Devices with a character device behind them: <smartcard>, <redirdev>, <redirfilter>, <rng>, <tpm>.
namespace bv::model {

enum class SmartcardMode : std::uint8_t { kHost, kHostCertificates, kPassthrough };
template <>
struct Spelling<SmartcardMode> {
  static constexpr const char* kNames[] = {"host", "host-certificates", "passthrough"};
};
struct Smartcard {
  SmartcardMode mode = SmartcardMode::kHost;
  std::vector<std::string> certificates;  // three of them
  std::string database;                   // defaults to /etc/pki/nssdb
  ChardevSource passthrough;
  DeviceInfo info;
};

enum class RedirdevBus : std::uint8_t { kUsb };
template <>
struct Spelling<RedirdevBus> {
  static constexpr const char* kNames[] = {"usb"};
};
struct Redirdev {
  RedirdevBus bus = RedirdevBus::kUsb;
  ChardevSource source;
  DeviceInfo info;
};

// -1 matches anything.
struct RedirfilterUsb {
  int usb_class = -1, vendor = -1, product = -1, version = -1;  // version is binary coded decimal, 0x0110 is 1.10
  YesNo allow = YesNo::kAbsent;
};
struct Redirfilter {
  std::vector<RedirfilterUsb> usb;
};

enum class RngBackend : std::uint8_t { kRandom, kEgd, kBuiltin };
template <>
struct Spelling<RngBackend> {
  static constexpr const char* kNames[] = {"random", "egd", "builtin"};
};
struct Rng {
  VirtioModel model = VirtioModel::kDefault;
  RngBackend backend = RngBackend::kRandom;
  std::string path;      // random
  ChardevSource source;  // egd
  unsigned rate_bytes = 0, rate_period = 0;  // ms
  VirtioOptions virtio;
  DeviceInfo info;
};

enum class TpmModel : std::uint8_t { kDefault, kTis, kCrb, kSpapr, kSpaprProxy };
template <>
struct Spelling<TpmModel> {
  static constexpr const char* kNames[] = {"default", "tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy"};
};
enum class TpmBackend : std::uint8_t { kPassthrough, kEmulator, kExternal };
template <>
struct Spelling<TpmBackend> {
  static constexpr const char* kNames[] = {"passthrough", "emulator", "external"};
};
enum class TpmVersion : std::uint8_t { kDefault, k12, k20 };
template <>
struct Spelling<TpmVersion> {
  static constexpr const char* kNames[] = {"default", "1.2", "2.0"};
};
enum class TpmPcrBank : std::uint8_t { kSha1, kSha256, kSha384, kSha512 };
template <>
struct Spelling<TpmPcrBank> {
  static constexpr const char* kNames[] = {"sha1", "sha256", "sha384", "sha512"};
};
struct Tpm {
  TpmModel model = TpmModel::kDefault;
  TpmBackend backend = TpmBackend::kPassthrough;
  TpmVersion version = TpmVersion::kDefault;
  ChardevSource source;  // passthrough: path of the device; external: unix socket
  YesNo persistent_state = YesNo::kAbsent;
  std::optional<Uuid> encryption_secret;
  std::uint8_t active_pcr_banks = 0;  // bit by TpmPcrBank
  DeviceInfo info;
};

}  // namespace bv::model
