#include "base/log_output.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace bv {

namespace {

int SyslogPriority(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return LOG_DEBUG;
    case LogLevel::kInfo: return LOG_INFO;
    case LogLevel::kWarning: return LOG_WARNING;
    case LogLevel::kError: return LOG_ERR;
  }
  return LOG_ERR;
}

class StderrSink : public LogSink {
 public:
  void Write(const LogRecord& record) override { WriteLogToStderr(record); }
};

class FileSink : public LogSink {
 public:
  explicit FileSink(const std::string& path)
      : fd_(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) {
    if (!fd_) throw SystemError(ErrorDomain::kNone, "cannot open log file " + path);
  }
  void Write(const LogRecord& record) override {
    [[maybe_unused]] auto written = write(fd_.get(), record.line.data(), record.line.size());
  }

 private:
  Fd fd_;
};

class SyslogSink : public LogSink {
 public:
  explicit SyslogSink(std::string name) : name_(std::move(name)) { openlog(name_.c_str(), LOG_PID, LOG_USER); }
  ~SyslogSink() override { closelog(); }
  void Write(const LogRecord& record) override {
    syslog(SyslogPriority(record.level), "%.*s", static_cast<int>(record.text.size()), record.text.data());
  }

 private:
  std::string name_;  // openlog keeps the pointer
};

// The journal's native protocol: one datagram of FIELD=value lines, a field whose value has line
// ends being written as FIELD\n<64-bit little-endian length><value>\n (systemd, JOURNAL_NATIVE_PROTOCOL).
class JournalSink : public LogSink {
 public:
  JournalSink() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    if (!fd_ || connect(fd_.get(), reinterpret_cast<const sockaddr*>(&kAddress), sizeof kAddress) < 0) {
      throw SystemError(ErrorDomain::kNone, "cannot connect to the journal");
    }
  }
  void Write(const LogRecord& record) override {
    std::string datagram;
    Add(datagram, "MESSAGE", record.text);
    Add(datagram, "PRIORITY", std::to_string(SyslogPriority(record.level)));
    Add(datagram, "LIBVIRT_SOURCE", record.source);
    send(fd_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL);
  }

 private:
  static constexpr sockaddr_un kAddress{AF_UNIX, "/run/systemd/journal/socket"};

  static void Add(std::string& out, std::string_view field, std::string_view value) {
    out += field;
    if (value.find('\n') == value.npos) {
      out += '=';
    } else {
      out += '\n';
      for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value.size() >> shift);
    }
    out += value;
    out += '\n';
  }

  Fd fd_;
};

}  // namespace

void WriteLogToStderr(const LogRecord& record) {
  [[maybe_unused]] auto written = write(STDERR_FILENO, record.line.data(), record.line.size());
}

std::unique_ptr<LogSink> MakeLogSink(std::string_view text) {
  if (text == "stderr") return std::make_unique<StderrSink>();
  if (text == "journald") return std::make_unique<JournalSink>();
  if (text.starts_with("file:/")) return std::make_unique<FileSink>(std::string(text.substr(5)));
  if (text.starts_with("syslog:") && text.size() > 7) return std::make_unique<SyslogSink>(std::string(text.substr(7)));
  return nullptr;
}

}  // namespace bv
