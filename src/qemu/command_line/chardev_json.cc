#include "qemu/command_line/chardev_json.h"

#include <string_view>

namespace bv::qemu {
namespace {

// Moves what is there under the name `from` into `data` as `to`.
void Carry(const Json& options, const char* from, Json& data, const char* to) {
  if (!options[from].is_null()) data.Set(to, options[from]);
}

Json InetAddress(const Json& host, const Json& port) {
  auto data = Json::Object();
  data.Set("host", host.is_null() ? Json("") : host);
  data.Set("port", port.is_null() ? Json("") : port);
  auto address = Json::Object();
  address.Set("type", "inet");
  address.Set("data", std::move(data));
  return address;
}

Json SocketAddress(const Json& options) {
  if (!options["host"].is_null()) return InetAddress(options["host"], options["port"]);
  auto address = Json::Object(), data = Json::Object();
  bool by_fd = !options["fd"].is_null();
  address.Set("type", by_fd ? "fd" : "unix");
  Carry(options, by_fd ? "fd" : "path", data, by_fd ? "str" : "path");
  address.Set("data", std::move(data));
  return address;
}

}  // namespace

Json ChardevAddArguments(const Json& options) {
  auto type = options["driver"].AsString().value_or("");
  auto data = Json::Object();
  for (auto* key : {"logfile", "logappend"}) Carry(options, key, data, key);
  if (type == "socket") {
    data.Set("addr", SocketAddress(options));
    for (auto* key : {"wait", "telnet", "reconnect", "tls-creds"}) Carry(options, key, data, key);
    // A server by default, unlike on the command line.
    data.Set("server", options["server"].AsBool().value_or(false));
  } else if (type == "udp") {
    data.Set("remote", InetAddress(options["host"], options["port"]));
    if (!options["localaddr"].is_null() || !options["localport"].is_null())
      data.Set("local", InetAddress(options["localaddr"], options["localport"]));
  } else if (type == "file") {
    Carry(options, "path", data, "out");
    Carry(options, "append", data, "append");
  } else if (type == "spicevmc") {
    Carry(options, "name", data, "type");
  } else if (type == "spiceport") {
    Carry(options, "name", data, "fqdn");
  } else if (type == "pipe" || type == "serial" || type == "parallel") {
    Carry(options, "path", data, "device");
  } else {
    for (auto* key : {"name", "clipboard", "mouse"}) Carry(options, key, data, key);
    if (type == "qemu-vdagent") data.Remove("name");
  }
  auto backend = Json::Object(), arguments = Json::Object();
  backend.Set("type", type);
  backend.Set("data", std::move(data));
  arguments.Set("id", options["id"]);
  arguments.Set("backend", std::move(backend));
  return arguments;
}

}  // namespace bv::qemu
