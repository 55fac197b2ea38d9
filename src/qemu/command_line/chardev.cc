#include "qemu/command_line/chardev.h"

#include "qemu/command_line/device.h"
#include "qemu/command_line/tls.h"

namespace bv::qemu {

using namespace model;

namespace {

const DeviceFds* FindFds(std::string_view alias, const Context& context) {
  auto found = context.options.fds.find(alias);
  return found == context.options.fds.end() ? nullptr : &found->second;
}

void AddReconnect(Props* chardev, const Reconnect& reconnect) {
  if (reconnect.enabled == YesNo::kYes) chardev->Add("reconnect", reconnect.timeout);
  else if (reconnect.enabled == YesNo::kNo) chardev->Add("reconnect", 0);
}

void AddServer(Props* chardev, const ChardevSource& source) {
  if (source.listen) chardev->Add("server", true).Add("wait", false);
}

bool UsesTls(const ChardevSource& source, const Context& context) {
  if (source.type != ChardevType::kTcp) return false;
  return source.tls == YesNo::kYes || (source.tls == YesNo::kAbsent && context.config.chardev_tls.enabled);
}

// type and what belongs to it; nothing that stands for every type.
Props Backend(const ChardevSource& source, std::string_view alias, const char* spice_name, const Context& context,
                     CommandLine* out) {
  const DeviceFds* fds = FindFds(alias, context);
  auto start = [&](const char* type) {
    Props chardev = Props::Device(type);
    chardev.Add("id", fmt::format("char{}", alias));
    return chardev;
  };
  switch (source.type) {
    case ChardevType::kNull:
      return start("null");
    case ChardevType::kVc:
      return start("vc");
    case ChardevType::kPty:
      return start("pty");
    case ChardevType::kStdio:
      return start("stdio");
    case ChardevType::kPipe:
      return start("pipe").Add("path", source.path);
    case ChardevType::kDev:
      return start(alias.starts_with("parallel") ? "parallel" : "serial").Add("path", source.path);
    case ChardevType::kFile: {
      Props chardev = start("file");
      if (fds && fds->file >= 0) {
        // The file was opened as it shall be written to; QEMU must not truncate it once more.
        return chardev.Add("path", out->AddFdSet(fds->file, fmt::format("{}-source", alias))).Add("append", true);
      }
      return chardev.Add("path", source.path).Add("append", source.append);
    }
    case ChardevType::kUdp: {
      Props chardev = start("udp");
      chardev.Add("host", source.connect_host).Add("port", source.connect_service);
      chardev.Add("localaddr", source.bind_host);
      return chardev.Add("localport", source.bind_service.empty() ? "0" : source.bind_service);
    }
    case ChardevType::kTcp: {
      Props chardev = start("socket");
      chardev.Add("host", source.host).Add("port", source.service);
      if (source.protocol == ChardevProtocol::kTelnet) chardev.Add("telnet", true);
      AddServer(&chardev, source);
      AddReconnect(&chardev, source.reconnect);
      if (UsesTls(source, context)) chardev.Add("tls-creds", TlsAlias(fmt::format("char{}", alias)));
      return chardev;
    }
    case ChardevType::kUnix: {
      Props chardev = start("socket");
      if (fds && fds->socket >= 0) chardev.Add("fd", out->Inherit(fds->socket));
      else chardev.Add("path", source.path);
      AddServer(&chardev, source);
      AddReconnect(&chardev, source.reconnect);
      return chardev;
    }
    case ChardevType::kSpicevmc:
      return start("spicevmc").Add("name", spice_name);
    case ChardevType::kSpiceport:
      return start("spiceport").Add("name", source.path);
    case ChardevType::kDbus:
      return start("dbus").Add("name", source.path);
    case ChardevType::kQemuVdagent: {
      Props chardev = start("qemu-vdagent").Add("name", "vdagent");
      chardev.Add("clipboard", source.copypaste);
      if (source.mouse != MouseMode::kDefault) chardev.Add("mouse", source.mouse == MouseMode::kClient);
      return chardev;
    }
    default:
      throw Unsupported("unsupported chardev '{}'", ToString(source.type));
  }
}

// A port of a virtio-serial controller.
Props VirtioSerialPort(const char* driver, const Chardev& chardev, const Context& context) {
  const DeviceInfo& info = chardev.info;
  Props props = Props::Device(driver);
  if (info.address.type == AddressType::kVirtioSerial) {
    auto& place = info.address.virtio_serial;
    std::string alias = ControllerAlias(ControllerType::kVirtioSerial, place.controller, context);
    if (alias.empty()) alias = fmt::format("virtio-serial{}", place.controller);
    props.Add("bus", fmt::format("{}.{}", alias, place.bus)).Add("nr", place.port);
  }
  props.Add("chardev", "char" + info.alias).Add("id", info.alias);
  return props;
}

}  // namespace

void AddChardev(const ChardevSource& source, std::string_view alias, const char* spice_name, const Context& context,
                CommandLine* out) {
  if (UsesTls(source, context)) {
    const TlsSettings& tls = context.config.chardev_tls;
    AddTlsCredentials(TlsAlias(fmt::format("char{}", alias)), context.config.CertDir(tls), source.listen, context.config.Verify(tls, true), tls.secret_uuid,
                      context, out);
  }
  Props chardev = Backend(source, alias, spice_name, context, out);
  if (!source.log_file.empty()) {
    const DeviceFds* fds = FindFds(alias, context);
    if (fds && fds->log >= 0) {
      chardev.Add("logfile", out->AddFdSet(fds->log, fmt::format("{}-log", alias))).Add("logappend", true);
    } else {
      chardev.Add("logfile", source.log_file).Add("logappend", source.log_append);
    }
  }
  out->Chardev(chardev);
}

Props DescribeSerial(const Chardev& serial, const Context& context) {
  const DeviceInfo& info = serial.info;
  Props props = Props::Device(ToString(serial.serial_model));
  props.Add("chardev", "char" + info.alias).Add("id", info.alias);
  if (serial.serial_target == SerialTarget::kIsa) props.Add("index", serial.port);
  AddAddress(&props, info, context);
  return props;
}

Props DescribeParallel(const Chardev& parallel, const Context& context) {
  Props props = Props::Device("isa-parallel");
  props.Add("chardev", "char" + parallel.info.alias).Add("id", parallel.info.alias);
  if (parallel.info.address.type == AddressType::kIsa) AddAddress(&props, parallel.info, context);
  return props;
}

Props DescribeChannel(const Chardev& channel, const Context& context) {
  Props props = VirtioSerialPort("virtserialport", channel, context);
  // SPICE's agent has a name by which guests find it.
  if (channel.source.type == ChardevType::kSpicevmc && channel.target_name.empty()) props.Add("name", "com.redhat.spice.0");
  props.AddSet("name", channel.target_name);
  return props;
}

Props DescribeGuestfwd(const Chardev& channel) {
  Props props;
  props.Add("type", "user");
  Json forward = Json::Object();
  forward.Set("str", fmt::format("tcp:{}:{}-chardev:char{}", channel.fwd_address, channel.fwd_port, channel.info.alias));
  Json list = Json::Array();
  list.Append(std::move(forward));
  props.Add("guestfwd", std::move(list)).Add("id", channel.info.alias);
  return props;
}

Props DescribeConsole(const Chardev& console, const Context& context) {
  switch (console.console_target) {
    case ConsoleTarget::kSclp:
      return Props::Device("sclpconsole").Add("chardev", "char" + console.info.alias).Add("id", console.info.alias);
    case ConsoleTarget::kSclpLm:
      return Props::Device("sclplmconsole").Add("chardev", "char" + console.info.alias).Add("id", console.info.alias);
    default:
      return VirtioSerialPort("virtconsole", console, context);
  }
}

namespace {

void AddSerial(const Chardev& serial, const Context& context, CommandLine* out) {
  if (serial.source.type == ChardevType::kSpiceport && context.def.graphics.empty()) return;
  AddChardev(serial.source, serial.info.alias, "vdagent", context, out);
  // The built-in port of a board is connected to its back end by position.
  if (serial.serial_model == SerialModel::kPl011 || serial.serial_model == SerialModel::k16550a) {
    out->Option("-serial", fmt::format("chardev:char{}", serial.info.alias));
  } else {
    AddDevice(DescribeSerial(serial, context), serial.info, context, out);
  }
}

void AddParallel(const Chardev& parallel, const Context& context, CommandLine* out) {
  AddChardev(parallel.source, parallel.info.alias, "vdagent", context, out);
  AddDevice(DescribeParallel(parallel, context), parallel.info, context, out);
}

void AddChannel(const Chardev& channel, const Context& context, CommandLine* out) {
  AddChardev(channel.source, channel.info.alias, "vdagent", context, out);
  if (channel.channel_target == ChannelTarget::kGuestfwd) out->Netdev(DescribeGuestfwd(channel));
  else if (channel.channel_target == ChannelTarget::kVirtio)
    AddDevice(DescribeChannel(channel, context), channel.info, context, out);
}

void AddConsole(const Chardev& console, const Context& context, CommandLine* out) {
  switch (console.console_target) {
    case ConsoleTarget::kVirtio:
    case ConsoleTarget::kSclp:
    case ConsoleTarget::kSclpLm:
      AddChardev(console.source, console.info.alias, "vdagent", context, out);
      AddDevice(DescribeConsole(console, context), console.info, context, out);
      break;
    case ConsoleTarget::kSerial:
      break;  // stands for the first serial port
    default:
      throw Unsupported("unsupported console target type {}", ToString(console.console_target));
  }
}

}  // namespace

void AddCharacterDevice(const Chardev& chardev, const Context& context, CommandLine* out) {
  switch (chardev.kind) {
    case ChardevKind::kSerial:
      return AddSerial(chardev, context, out);
    case ChardevKind::kParallel:
      return AddParallel(chardev, context, out);
    case ChardevKind::kChannel:
      return AddChannel(chardev, context, out);
    case ChardevKind::kConsole:
      return AddConsole(chardev, context, out);
  }
}

void AddSerials(const Context& context, CommandLine* out) {
  for (auto& serial : context.def.serials) AddSerial(*serial, context, out);
}

void AddParallels(const Context& context, CommandLine* out) {
  for (auto& parallel : context.def.parallels) AddParallel(*parallel, context, out);
}

void AddChannels(const Context& context, CommandLine* out) {
  for (auto& channel : context.def.channels) AddChannel(*channel, context, out);
}

void AddConsoles(const Context& context, CommandLine* out) {
  for (auto& console : context.def.consoles) AddConsole(*console, context, out);
}

}  // namespace bv::qemu
