#include "model/domain/lifecycle.h"

#include "model/domain/descriptions.h"

namespace bv::model {

namespace {

// "coredump-*" is for crashes; a guest that powers off or reboots has nothing to dump.
constexpr RowOf<Lifecycle> kRows[] = {
    TextChild<&Lifecycle::on_poweroff>("on_poweroff").Fails(Fault::kUnsupported),
    TextChild<&Lifecycle::on_reboot>("on_reboot").Fails(Fault::kUnsupported),
    TextChild<&Lifecycle::on_crash>("on_crash").Fails(Fault::kUnsupported),
    TextChild<&Lifecycle::on_lockfailure>("on_lockfailure").SkipZero().Fails(Fault::kUnsupported),
};

constexpr RowOf<PowerManagement> kMemRows[] = {Attr<&PowerManagement::suspend_to_mem>("enabled")};
constexpr RowOf<PowerManagement> kDiskRows[] = {Attr<&PowerManagement::suspend_to_disk>("enabled")};
constexpr RowOf<PowerManagement> kPmRows[] = {
    Group("suspend-to-mem", kMemRows),
    Group("suspend-to-disk", kDiskRows),
};

}  // namespace

constinit const Description<Lifecycle> kLifecycle{kRows};
constinit const Description<PowerManagement> kPowerManagement{kPmRows};

}  // namespace bv::model
