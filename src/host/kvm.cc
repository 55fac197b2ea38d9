#include "host/kvm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/fd.h"

namespace bv::host {

std::optional<unsigned> KvmMaxVcpus() {
  Fd kvm(open("/dev/kvm", O_RDONLY | O_CLOEXEC));
  if (!kvm) return std::nullopt;
  // The hard limit; kernels before 3.1 only know the recommended number, and the oldest none.
  int max = ioctl(kvm.get(), KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
  if (max <= 0) max = ioctl(kvm.get(), KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS);
  return max > 0 ? static_cast<unsigned>(max) : 4u;
}

}  // namespace bv::host
