#include "qemu/capabilities_probe.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <csignal>

#include "base/command.h"
#include "base/error.h"
#include "base/log.h"
#include "qemu/capabilities_builder.h"
#include "qemu/capabilities_text.h"
#include "qemu/monitor.h"

namespace bv::qemu {

namespace {

constexpr char kLogSource[] = "qemu.qemu_capabilities";
// A machine under heavy load starts a QEMU slowly, but not this slowly.
constexpr std::chrono::seconds kProbeLimit{30};

// A QEMU without a guest, and the monitor to ask it. Killed with the object.
class ProbeProcess {
 public:
  Task<> Start(const ProbeRequest& request, std::string machine);
  ~ProbeProcess() { child_.Signal(SIGKILL); }

  Monitor& monitor() { return *monitor_; }
  // What QEMU wrote to its standard error.
  std::string Complaint() const;

 private:
  Fd errors_;
  Child child_;
  std::unique_ptr<Monitor> monitor_;
};

Task<> ProbeProcess::Start(const ProbeRequest& request, std::string machine) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
    throw SystemError(ErrorDomain::kQemu, "cannot make a socket pair");
  }
  Fd ours(pair[0]), theirs(pair[1]);
  errors_.Reset(memfd_create("qemu-errors", MFD_CLOEXEC));

  Command command;
  command.argv = {request.binary,
                  "-S",
                  "-no-user-config",
                  "-nodefaults",
                  "-nographic",
                  "-machine",
                  std::move(machine),
                  "-chardev",
                  "socket,id=monitor,fd=3",
                  "-mon",
                  "chardev=monitor,mode=control"};
  command.environment = {{"LC_ALL", "C"}};
  command.fds = {{theirs.get(), 3}, {errors_.get(), 2}};
  command.uid = request.uid;
  command.gid = request.gid;
  command.groups = request.groups;
  child_ = co_await bv::Start(std::move(command));
  monitor_ = std::make_unique<Monitor>(std::move(ours), nullptr, nullptr);
}

std::string ProbeProcess::Complaint() const {
  char text[4096];
  ssize_t got = pread(errors_.get(), text, sizeof text, 0);
  std::string complaint(text, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  while (!complaint.empty() && complaint.back() == '\n') complaint.pop_back();
  return complaint;
}

Task<> Ask(Monitor& monitor, CapsBuilder& builder, std::vector<MonitorCommand> questions, Deadline deadline) {
  MonitorBatch batch = monitor.Send(questions);
  for (const MonitorCommand& question : questions) {
    MonitorReply reply = co_await batch.Next(deadline);
    builder.Take(question, reply.value);
  }
}

Task<> AskEverything(Monitor& monitor, CapsBuilder& builder, const ProbeRequest& request, Deadline deadline) {
  co_await Ask(monitor, builder, CapsBuilder::BasicQuestions(), deadline);
  auto details = builder.DetailQuestions();
  if (request.on_basics) request.on_basics(builder.Basics());
  co_await Ask(monitor, builder, std::move(details), deadline);
}

Task<> AskAboutTcg(Monitor& monitor, CapsBuilder& builder, const ProbeRequest&, Deadline deadline) {
  builder.ForceAccelerator(Accelerator::kTcg);
  co_await Ask(monitor, builder, CapsBuilder::TcgQuestions(), deadline);
}

using Conversation = Task<> (*)(Monitor&, CapsBuilder&, const ProbeRequest&, Deadline);

Task<> Probe(CapsBuilder& builder, const ProbeRequest& request, std::string machine, Conversation converse) {
  ProbeProcess process;
  co_await process.Start(request, std::move(machine));
  std::optional<Error> failure;
  try {
    const Deadline deadline = In(kProbeLimit);
    // QEMU reads what comes after this in the same go, so nobody has to wait for its answer.
    std::vector<MonitorCommand> greeting(1);
    greeting[0].name = "qmp_capabilities";
    process.monitor().Send(greeting);
    co_await converse(process.monitor(), builder, request, deadline);
  } catch (const Error& e) {
    failure = e;
  }
  if (!failure) co_return;
  std::string complaint = process.Complaint();
  throw Error(ErrorDomain::kQemu, ErrorCode::kInternalError,
              fmt::format("Failed to probe QEMU binary with QMP: {}", complaint.empty() ? failure->message : complaint));
}

}  // namespace

Task<std::string> ProbeCapabilities(ProbeRequest request) {
  LogDebug(kLogSource, "probing {}", request.binary);
  CapsBuilder builder;
  builder.AddValue("emulator", request.binary);
  for (const auto& [key, value] : request.values) builder.AddValue(key, value);
  co_await Probe(builder, request, "none,accel=kvm:tcg", &AskEverything);
  co_return builder.Full();
}

Task<std::string> ProbeTcgCpus(ProbeRequest request) {
  LogDebug(kLogSource, "probing {} for its emulated CPUs", request.binary);
  CapsBuilder builder;
  co_await Probe(builder, request, "none,accel=tcg", &AskAboutTcg);
  co_return builder.CpuLines();
}

std::string CapabilitiesFromAnswers(const ProbeRequest& request, const AnswerSource& answer) {
  CapsBuilder builder, tcg;
  auto take = [&](CapsBuilder& into, Accelerator accelerator, const std::vector<MonitorCommand>& questions) {
    for (const MonitorCommand& question : questions) {
      into.Take(question, answer(accelerator, question.name, question.arguments));
    }
  };
  builder.AddValue("emulator", request.binary);
  for (const auto& [key, value] : request.values) builder.AddValue(key, value);
  take(builder, Accelerator::kKvm, CapsBuilder::BasicQuestions());
  take(builder, Accelerator::kKvm, builder.DetailQuestions());
  tcg.ForceAccelerator(Accelerator::kTcg);
  take(tcg, Accelerator::kTcg, CapsBuilder::TcgQuestions());
  return AddCapsLines(builder.Full(), tcg.CpuLines());
}

std::string ProbeFingerprint() { return CapsBuilderFingerprint(); }

}  // namespace bv::qemu
