#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/domain/address.h"
#include "model/domain/seclabel.h"
#include "model/domain/storage_source.h"
#include "model/value.h"

// <serial>, <parallel>, <console>, <channel>, and the host side that rng, redirdev, smartcard and
// vhostuser interfaces have in common with them.
namespace bv::model {

enum class ChardevType : std::uint8_t {
  kNone, kNull, kVc, kPty, kDev, kFile, kPipe, kStdio, kUdp, kTcp, kUnix, kSpicevmc, kSpiceport, kNmdm, kQemuVdagent, kDbus,
};
template <>
struct Spelling<ChardevType> {
  static constexpr const char* kNames[] = {"", "null", "vc", "pty", "dev", "file", "pipe", "stdio", "udp", "tcp", "unix",
                                           "spicevmc", "spiceport", "nmdm", "qemu-vdagent", "dbus"};
};
enum class ChardevProtocol : std::uint8_t { kRaw, kTelnet, kTelnets, kTls };
template <>
struct Spelling<ChardevProtocol> {
  static constexpr const char* kNames[] = {"raw", "telnet", "telnets", "tls"};
};
enum class MouseMode : std::uint8_t { kDefault, kServer, kClient };
template <>
struct Spelling<MouseMode> {
  static constexpr const char* kNames[] = {"", "server", "client"};
};

struct ChardevSource {
  ChardevType type = ChardevType::kNone;
  std::string path;  // pty, dev, file, pipe, unix; dbus and spiceport: channel
  OnOff append = OnOff::kAbsent;
  // tcp, unix
  bool listen = false;
  Reconnect reconnect;
  // tcp: host, service. udp: bind is local, connect is remote.
  std::string host, service;
  std::string bind_host, bind_service, connect_host, connect_service;
  ChardevProtocol protocol = ChardevProtocol::kRaw;
  YesNo tls = YesNo::kAbsent;
  bool tls_from_config = false;
  std::string master, slave;  // nmdm
  MouseMode mouse = MouseMode::kDefault;    // qemu-vdagent
  YesNo copypaste = YesNo::kAbsent;
  std::string log_file;
  OnOff log_append = OnOff::kAbsent;
  std::vector<DeviceSeclabel> seclabels;
};

enum class ChardevKind : std::uint8_t { kParallel, kSerial, kConsole, kChannel };
template <>
struct Spelling<ChardevKind> {
  static constexpr const char* kNames[] = {"parallel", "serial", "console", "channel"};
};
// Target types of serial, console and channel devices.
enum class SerialTarget : std::uint8_t { kNone, kIsa, kUsb, kPci, kSpaprVio, kSystem, kSclp, kIsaDebug };
template <>
struct Spelling<SerialTarget> {
  static constexpr const char* kNames[] = {"none", "isa-serial", "usb-serial", "pci-serial", "spapr-vio-serial", "system-serial",
                                           "sclp-serial", "isa-debug"};
};
enum class SerialModel : std::uint8_t { kNone, kIsa, kUsb, kPci, kSpaprVty, kSclpConsole, kSclpLmConsole, kPl011, k16550a, kIsaDebugcon };
template <>
struct Spelling<SerialModel> {
  static constexpr const char* kNames[] = {"none", "isa-serial", "usb-serial", "pci-serial", "spapr-vty", "sclpconsole",
                                           "sclplmconsole", "pl011", "16550a", "isa-debugcon"};
};
enum class ConsoleTarget : std::uint8_t { kNone, kSerial, kXen, kUml, kVirtio, kLxc, kOpenvz, kSclp, kSclpLm };
template <>
struct Spelling<ConsoleTarget> {
  static constexpr const char* kNames[] = {"none", "serial", "xen", "uml", "virtio", "lxc", "openvz", "sclp", "sclplm"};
};
enum class ChannelTarget : std::uint8_t { kNone, kGuestfwd, kVirtio, kXen };
template <>
struct Spelling<ChannelTarget> {
  static constexpr const char* kNames[] = {"none", "guestfwd", "virtio", "xen"};
};
enum class ChannelState : std::uint8_t { kDefault, kConnected, kDisconnected };
template <>
struct Spelling<ChannelState> {
  static constexpr const char* kNames[] = {"", "connected", "disconnected"};
};

struct Chardev {
  ChardevKind kind = ChardevKind::kSerial;
  ChardevSource source;
  std::optional<unsigned> port;  // serial, parallel, console; defaults number them
  SerialTarget serial_target = SerialTarget::kNone;
  SerialModel serial_model = SerialModel::kNone;
  ConsoleTarget console_target = ConsoleTarget::kNone;
  ChannelTarget channel_target = ChannelTarget::kNone;
  std::string target_name;     // channel virtio, xen
  ChannelState state = ChannelState::kDefault;  // live
  std::string fwd_address;     // channel guestfwd
  unsigned fwd_port = 0;
  DeviceInfo info;
};

}  // namespace bv::model
