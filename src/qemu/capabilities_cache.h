#pragma once

#include <sys/types.h>

#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "base/wait.h"
#include "qemu/capabilities.h"

namespace bv::qemu {

using CapsPtr = std::shared_ptr<const QemuCaps>;

// The capabilities of every QEMU binary that somebody asked about: from memory, from a file, or from
// the binary itself, in that order. What is known is used until something it depends on changes: the
// binary or its modules, our own rules, the kernel, the processor's microcode, who may use KVM, or
// KVM's nested virtualisation and SEV.
//
// Files are DIRECTORY/SHA256-of-the-binary's-path.caps; one that cannot be read or written only costs
// time. Belongs to the loop, and outlives the coroutines that wait for it.
class CapsCache {
 public:
  struct Options {
    std::string directory;  // /var/cache/libvirt/qemu/capabilities; empty: no files
    // Who QEMU is run as; see ProbeRequest.
    std::optional<uid_t> uid;
    std::optional<gid_t> gid;
    std::vector<gid_t> groups;
  };
  explicit CapsCache(Options options);
  ~CapsCache();

  // Everything but the CPUs of the accelerator that QEMU does not prefer (mostly TCG).
  // Throws kSystemError (domain kQemu) for a missing binary, kInternalError for one that fails.
  Task<CapsPtr> Get(std::string binary);
  // The same and certainly the CPUs of `accelerator`, if the binary has it.
  Task<CapsPtr> Get(std::string binary, Accelerator accelerator);
  // Only what ProbeRequest::on_basics promises, as soon as it is known.
  Task<CapsPtr> GetBasics(std::string binary);

  // Begins to find out, without waiting: for several binaries that are needed together.
  void Prepare(const std::string& binary);

  // What is known now without asking anybody; null when nothing is.
  CapsPtr Peek(std::string_view binary) const;

 private:
  struct Entry;
  using EntryPtr = std::shared_ptr<Entry>;

  EntryPtr Find(const std::string& binary);
  bool IsCurrent(const QemuCaps& caps) const;
  Task<> Load(EntryPtr entry);
  Task<> AddTcg(EntryPtr entry);
  Task<> Finish(EntryPtr entry);
  std::string FileOf(const std::string& binary) const;
  void Store(CapsPtr caps) const;

  Options options_;
  std::map<std::string, EntryPtr, std::less<>> entries_;
};

// The binary that runs guests of `arch` on this host: qemu-system-* in PATH. Nullopt when there is none.
std::optional<std::string> FindEmulator(std::string_view arch);

// The lines that tell whether a text still holds: what of the host and what of `binary` it depends on.
std::string HostKey();
std::string BinaryKey(const std::string& binary);

}  // namespace bv::qemu
