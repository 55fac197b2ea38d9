#pragma once

#include "base/json.h"
#include "qemu/capabilities_cache.h"

// The capabilities of QEMU 7.2 as Debian 12 has it, on an AMD host with KVM, from answers that were
// recorded with data/record_qemu.py: for tests that need a real emulator's but must not run one.
namespace bv::qemu {

// What QEMU answered; null for an error. Fails the running test for a question that was not recorded.
Json RecordedAnswer(Accelerator accelerator, const std::string& command, const Json& arguments);

// With the CPUs of both accelerators; made once.
CapsPtr RecordedCaps();

}  // namespace bv::qemu
