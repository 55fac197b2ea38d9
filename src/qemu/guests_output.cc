// What a guest's QEMU and character devices print, and what of it becomes an error message.

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/wait.h"
#include "qemu/guest_helpers.h"
#include "qemu/guest_log.h"
#include "qemu/guests.h"

namespace bv::qemu {
namespace {

constexpr const char* kSource = "qemu.qemu_process";

struct ChardevFiles {
  std::string alias;
  std::optional<std::string> file, log;
  bool file_append = false, log_append = false;
};

// The files that character devices write into, in the order of the command line.
std::vector<ChardevFiles> FilesOf(const model::DomainDef& def) {
  std::vector<ChardevFiles> all;
  auto add = [&](const model::DeviceInfo& info, const model::ChardevSource& source) {
    ChardevFiles files;
    files.alias = info.alias;
    files.file_append = source.append == model::OnOff::kOn;
    files.log_append = source.log_append == model::OnOff::kOn;
    if (source.type == model::ChardevType::kFile) files.file = source.path;
    if (!source.log_file.empty()) files.log = source.log_file;
    if (files.file || files.log) all.push_back(std::move(files));
  };
  for (auto* list : {&def.serials, &def.parallels, &def.channels}) {
    for (auto& chardev : *list) add(chardev->info, chardev->source);
  }
  for (auto& console : def.consoles) {
    // The first console is the first serial port over again.
    if (console->console_target != model::ConsoleTarget::kSerial) add(console->info, console->source);
  }
  for (auto& rng : def.rngs) {
    if (rng->backend == model::RngBackend::kEgd) add(rng->info, rng->source);
  }
  for (auto& card : def.smartcards) {
    if (card->mode == model::SmartcardMode::kPassthrough) add(card->info, card->passthrough);
  }
  for (auto& redirdev : def.redirdevs) add(redirdev->info, redirdev->source);
  for (auto& net : def.interfaces) {
    const model::Interface& connection = net->actual ? net->actual->connection : *net;
    if (connection.type == model::InterfaceType::kVhostUser) add(net->info, *connection.vhostuser);
  }
  return all;
}

}  // namespace

Task<std::map<std::string, Guests::OutputFds>> Guests::OpenOutput(DomainPtr domain) {
  auto* guest = domain->guest.get();
  auto config = config_;
  auto make_directory = [config] { MakeDirs(config->dirs.log, config->privileged ? 0755 : 0700); };
  co_await Offload(std::move(make_directory));
  auto output = co_await OutputKeeper::Make(*config, domain->uuid(), domain->name());
  std::map<std::string, OutputFds> fds;
  for (auto& files : FilesOf(domain->def())) {
    auto& place = fds[files.alias];
    if (files.file) place.file = co_await output->OpenFile(*files.file, files.file_append);
    if (files.log) place.log = co_await output->OpenFile(*files.log, files.log_append);
  }
  for (std::size_t i = 0; i < domain->def().filesystems.size(); ++i) {
    auto& fs = *domain->def().filesystems[i];
    if (!WantsFileDaemon(fs)) continue;
    std::string alias = fs.info.alias, log = FileDaemonLog(domain->def(), alias, *config);
    fds[alias].log = co_await output->OpenLog(log);
    if (domain->guest.get() != guest) co_return fds;
  }
  fds[""].log = co_await output->OpenLog(guest->log_file);
  guest->output = std::move(output);
  co_return fds;
}

Task<Error> Guests::LaunchFailure(DomainPtr domain) {
  auto* guest = domain->guest.get();
  std::string detail = "qemu unexpectedly closed the monitor";
  try {
    auto words = LastWords(co_await guest->output->ReadFrom(guest->log_file, guest->log_mark));
    if (!words.empty()) detail += ": " + words;
  } catch (const Error& error) {
    LogWarn(kSource, "cannot read the log of '{}': {}", domain->name(), error.message);
  }
  co_return Error(ErrorDomain::kQemu, ErrorCode::kInternalError, detail);
}

// A line of ours in a log that QEMU writes too; nothing fails for want of it.
Task<> Guests::AppendToLog(DomainPtr domain, std::string line) {
  auto path = domain->guest->log_file;
  if (path.empty()) co_return;
  try {
    auto output = co_await OutputKeeper::Make(*config_, domain->uuid(), domain->name());
    co_await output->Append(path, line);
  } catch (const Error& error) {
    LogWarn(kSource, "cannot write to the log of '{}': {}", domain->name(), error.message);
  }
}

Task<> Guests::Taint(DomainPtr domain, qemu::Taint taint) {
  if (!domain->guest || !domain->guest->taints.insert(taint).second) co_return;
  SaveStatus(domain);
  co_await AppendToLog(domain, TaintLine(domain->id(), taint));
}

}  // namespace bv::qemu
