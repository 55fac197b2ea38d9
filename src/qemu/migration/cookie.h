#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "model/cpu.h"
#include "model/domain/domain.h"
#include "qemu/guest.h"

namespace bv::qemu {

// What the two daemons of a migration tell each other through their client: <qemu-migration>, with a zero byte at its end.
struct MigrationCookie {
  std::string name;
  Uuid uuid;
  std::string host_name;
  Uuid host_uuid;

  bool wants_lock_state = false;  // the destination must have the same lock manager
  std::string lock_driver;        // empty: none
  std::string lock_state;

  struct Graphics {
    std::string type;  // "spice"
    std::string listen, tls_subject;
    int port = 0, tls_port = 0;
  };
  std::optional<Graphics> graphics;

  struct Disk {
    std::string target;
    std::uint64_t capacity = 0;
  };
  struct Nbd {
    unsigned port = 0;  // 0 from the source
    std::vector<Disk> disks;
  };
  std::optional<Nbd> nbd;

  std::unique_ptr<model::DomainDef> persistent;  // what stays when the guest ends
  std::unique_ptr<model::CpuDef> cpu;            // what the guest really has
  // Every capability of QEMU's that the sender knows about, and whether it is used without being asked for.
  struct Capability {
    std::string name;
    bool automatic = false;
  };
  std::optional<std::vector<Capability>> capabilities;
  std::unique_ptr<CompletedJob> statistics;

  std::string Format() const;
  // Throws kInternalError for what is not a cookie of this guest, what comes from this very host, which is `here`, and
  // what wants something that this daemon does not know. Empty text is no cookie: null.
  static std::unique_ptr<MigrationCookie> Parse(std::string_view text, const std::string& name, const Uuid& uuid, const Uuid& here);
};

}  // namespace bv::qemu
