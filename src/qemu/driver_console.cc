// Consoles and channels as streams, and screenshots.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "qemu/agent.h"
#include "qemu/driver.h"
#include "qemu/temporary_file.h"

namespace bv::qemu {
namespace {

using model::ChardevType;

// The host side of a character device that is opened for one client: its descriptor, shared by the
// two directions.
struct ConsoleEnd {
  Fd fd;
  Event data_or_gone;
  bool gone = false;
};

Fd OpenHostSide(const model::ChardevSource& source) {
  if (source.type == ChardevType::kUnix) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    source.path.copy(address.sun_path, sizeof address.sun_path - 1);
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw SystemError(ErrorDomain::kQemu, fmt::format("Unable to connect to '{}'", source.path));
    return fd;
  }
  Fd fd(open(source.path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) throw SystemError(ErrorDomain::kQemu, fmt::format("Unable to open '{}'", source.path));
  termios raw;
  if (tcgetattr(fd.get(), &raw) == 0) {
    cfmakeraw(&raw);
    tcsetattr(fd.get(), TCSANOW, &raw);
  }
  return fd;
}

// What the client types, to the device.
Task<> PumpToDevice(rpc::StreamPtr stream, std::shared_ptr<ConsoleEnd> end) {
  for (;;) {
    auto chunk = co_await stream->Read();
    if (chunk.kind == rpc::ServerStream::Chunk::Kind::kHole) continue;
    if (chunk.kind != rpc::ServerStream::Chunk::Kind::kData) {
      if (chunk.kind == rpc::ServerStream::Chunk::Kind::kFinish) stream->Finish();
      break;
    }
    std::size_t written = 0;
    while (written < chunk.data.size() && !end->gone) {
      auto n = write(end->fd.get(), chunk.data.data() + written, chunk.data.size() - written);
      if (n > 0) {
        written += static_cast<std::size_t>(n);
      } else if (errno == EAGAIN) {
        // A guest that does not read leaves the client waiting, not us.
        co_await Sleep(std::chrono::milliseconds(10));
      } else {
        end->gone = true;
      }
    }
  }
  end->gone = true;
  end->data_or_gone.Set();
}

// What the device says, to the client.
Task<> PumpToClient(rpc::StreamPtr stream, std::shared_ptr<ConsoleEnd> end) {
  FdWatch watch(end->fd.get(), EPOLLIN, [end = end.get()](std::uint32_t) {
    end->data_or_gone.Set();
  });
  std::uint8_t buffer[16384];
  while (!end->gone) {
    auto n = read(end->fd.get(), buffer, sizeof buffer);
    if (n > 0) {
      std::span<const std::uint8_t> data(buffer, static_cast<std::size_t>(n));
      if (!co_await stream->Write(data)) break;
      continue;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) break;
    end->data_or_gone.Reset();
    watch.SetEvents(EPOLLIN);
    co_await end->data_or_gone.Wait();
    // Level-triggered: what is not read yet must not wake us again and again.
    watch.SetEvents(0);
  }
  end->gone = true;
  if (stream->open()) stream->WriteEnd();
}

model::Chardev* FindByAlias(model::DomainDef& def, const std::string& alias) {
  for (auto* list : {&def.consoles, &def.serials, &def.parallels}) {
    for (auto& chardev : *list) {
      if (chardev->info.alias == alias) return chardev.get();
    }
  }
  return nullptr;
}

// A console that is the first serial port over again has its host side.
model::Chardev* BehindConsole(model::DomainDef& def, model::Chardev* console) {
  if (console && console->kind == model::ChardevKind::kConsole && console->console_target == model::ConsoleTarget::kSerial &&
      !def.serials.empty())
    return def.serials[0].get();
  return console;
}

void Attach(const DomainPtr& domain, const model::ChardevSource& source, rpc::StreamPtr stream, bool force) {
  auto& consoles = domain->guest->consoles;
  if (auto found = consoles.find(source.path); found != consoles.end() && found->second && found->second->open()) {
    if (!force)
      throw Error(ErrorDomain::kQemu, ErrorCode::kOperationFailed, "Active console session exists for this domain");
    found->second->Fail(Error(ErrorDomain::kStreams, ErrorCode::kOperationFailed, "console was taken over"));
  }
  auto end = std::make_shared<ConsoleEnd>();
  end->fd = OpenHostSide(source);
  consoles[source.path] = stream;
  Spawn(PumpToDevice(stream, end), "console input");
  Spawn(PumpToClient(stream, end), "console output");
}

}  // namespace

Task<> QemuDriver::DomainOpenConsole(Call& call, remote::DomainOpenConsoleArgs args) {
  constexpr unsigned kForce = 1, kSafe = 2;
  CheckFlags(args.flags, kForce | kSafe, "qemuDomainOpenConsole");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  auto& def = domain->MutableDef();
  model::Chardev* chardev = nullptr;
  if (args.dev_name) {
    chardev = FindByAlias(def, *args.dev_name);
  } else if (!def.consoles.empty()) {
    chardev = def.consoles[0].get();
  } else if (!def.serials.empty()) {
    chardev = def.serials[0].get();
  }
  chardev = BehindConsole(def, chardev);
  if (!chardev)
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError,
                fmt::format("cannot find character device {}", args.dev_name.value_or("<null>")));
  if (chardev->source.type != ChardevType::kPty && chardev->source.type != ChardevType::kUnix)
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError,
                fmt::format("character device {} is not using a PTY or UNIX socket", args.dev_name.value_or(chardev->info.alias)));
  Attach(domain, chardev->source, call.OpenStream(), args.flags & kForce);
}

Task<> QemuDriver::DomainOpenChannel(Call& call, remote::DomainOpenChannelArgs args) {
  constexpr unsigned kForce = 1;
  CheckFlags(args.flags, kForce, "qemuDomainOpenChannel");
  auto domain = co_await Get(args.dom);
  RequireActive(*domain);
  auto& def = domain->MutableDef();
  model::Chardev* found = nullptr;
  for (auto& channel : def.channels) {
    bool match = args.name ? channel->target_name == *args.name || channel->info.alias == *args.name : true;
    if (match && !found) found = channel.get();
  }
  if (!found)
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError,
                args.name ? fmt::format("cannot find channel {}", *args.name) : std::string("cannot find channel <null>"));
  if (found->source.type != ChardevType::kUnix)
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError,
                fmt::format("channel {} is not using a UNIX socket", args.name.value_or(found->info.alias)));
  Attach(domain, found->source, call.OpenStream(), args.flags & kForce);
}

// --- screenshots ---------------------------------------------------------------------------------

namespace {

Task<> SendFile(rpc::StreamPtr stream, std::shared_ptr<TemporaryFile> file) {
  // Small and in the page cache: read where we are.
  std::vector<std::uint8_t> buffer(65536);
  off_t at = 0;
  for (;;) {
    auto n = pread(file->fd.get(), buffer.data(), buffer.size(), at);
    if (n <= 0) break;
    at += n;
    std::span<const std::uint8_t> data(buffer.data(), static_cast<std::size_t>(n));
    if (!co_await stream->Write(data)) co_return;
  }
  stream->WriteEnd();
  stream->Finish();
}

}  // namespace

Task<remote::DomainScreenshotRet> QemuDriver::DomainScreenshot(Call& call, remote::DomainScreenshotArgs args) {
  CheckFlags(args.flags, 0, "qemuDomainScreenshot");
  auto domain = co_await Get(args.dom);
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainScreenshot");
  RequireActive(*domain);
  auto& def = domain->def();
  bool none = def.videos.empty();
  for (auto& video : def.videos) none = none || video->type == model::VideoType::kNone;
  if (none) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "no screens to take screenshot from");
  auto arguments = Json::Object();
  if (args.screen) {
    // Screens are the heads of the displays, in order.
    unsigned left = args.screen;
    const model::Video* device = nullptr;
    for (auto& video : def.videos) {
      unsigned heads = std::max(video->heads.value_or(1), 1u);
      if (left < heads) {
        device = video.get();
        break;
      }
      left -= heads;
    }
    if (!device) throw Error(ErrorDomain::kQemu, ErrorCode::kOperationInvalid, "no such screen ID");
    arguments.Set("device", device->info.alias);
    arguments.Set("head", left);
  }
  auto file = TemporaryFile::Make(config_->dirs.cache + "/qemu.screendump.XXXXXX", *config_);
  arguments.Set("filename", file->path);
  auto& caps = *domain->guest->caps;
  bool png = caps.Has(QemuCap::kScreenshotFormatPng);
  if (png) arguments.Set("format", "png");
  co_await guests_->MonitorOf(domain).Execute("screendump", arguments);
  Spawn(SendFile(call.OpenStream(), file), "screenshot");
  remote::DomainScreenshotRet ret;
  ret.mime = png ? "image/png" : "image/x-portable-pixmap";
  co_return ret;
}

// --- displays ------------------------------------------------------------------------------------

namespace {
constexpr unsigned kSkipAuth = 1;  // virDomainOpenGraphicsFlags
}

// Hands a connected socket to the guest's display server, as if its other end had connected there.
Task<> QemuDriver::OpenDisplay(DomainPtr domain, unsigned index, bool skip_auth, std::shared_ptr<Fd> socket) {
  auto turn = co_await domain->jobs.Begin(Job::kModify, "remoteDispatchDomainOpenGraphics");
  RequireActive(*domain);
  auto& displays = domain->def().graphics;
  if (index >= displays.size())
    throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, fmt::format("No graphics backend with index {}", index));
  auto type = displays[index]->type;
  if (type != model::GraphicsType::kVnc && type != model::GraphicsType::kSpice)
    throw Error(ErrorDomain::kQemu, ErrorCode::kInvalidArg,
                fmt::format("Can only open VNC or SPICE graphics backends, not {}", model::ToString(type)));
  constexpr const char* kFdName = "graphicsfd";
  MonitorCommand pass;
  pass.name = "getfd";
  pass.arguments = Json::Object({{"fdname", kFdName}});
  pass.fd = socket->get();
  auto& monitor = guests_->MonitorOf(domain);
  co_await monitor.Execute(pass);
  auto client = Json::Object({{"protocol", std::string(model::ToString(type))}, {"fdname", kFdName}, {"skipauth", skip_auth}});
  std::exception_ptr failure;
  try {
    co_await monitor.Execute("add_client", client);
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  if (domain->guest && domain->guest->monitor && domain->guest->monitor->open())
    co_await domain->guest->monitor->Execute("closefd", pass.arguments);
  std::rethrow_exception(failure);
}

Task<> QemuDriver::DomainOpenGraphics(Call& call, remote::DomainOpenGraphicsArgs args) {
  CheckFlags(args.flags, kSkipAuth, "qemuDomainOpenGraphics");
  auto domain = co_await Get(args.dom);
  if (call.fds.empty()) throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError, "no descriptor came with the call");
  auto socket = std::make_shared<Fd>(std::move(call.fds.front()));
  co_await OpenDisplay(domain, args.idx, args.flags & kSkipAuth, socket);
}

Task<> QemuDriver::DomainOpenGraphicsFd(Call& call, remote::DomainOpenGraphicsFdArgs args) {
  CheckFlags(args.flags, kSkipAuth, "qemuDomainOpenGraphicsFD");
  auto domain = co_await Get(args.dom);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw SystemError(ErrorDomain::kQemu, "Unable to create socket pair");
  Fd ours(ends[0]);
  co_await OpenDisplay(domain, args.idx, args.flags & kSkipAuth, std::make_shared<Fd>(ends[1]));
  call.reply_fds.push_back(std::move(ours));
}

}  // namespace bv::qemu
