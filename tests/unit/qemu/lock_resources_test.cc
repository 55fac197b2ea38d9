// Which leases a definition needs, by the settings of qemu-lockd.conf.
#include "qemu/lock_resources.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/error.h"
#include "base/loop.h"
#include "base/wait.h"
#include "model/domain/domain.h"

namespace bv::qemu {
namespace {

constexpr char kDisks[] =
    "<disk type='file'><source file='/d/own'/><target dev='vda'/></disk>"
    "<disk type='file'><source file='/d/common'/><target dev='vdb'/><shareable/></disk>"
    "<disk type='file'><source file='/d/seen'/><target dev='vdc'/><readonly/></disk>"
    "<disk type='block'><source dev='/dev/there-is-none'/><target dev='vdd'/></disk>"
    "<disk type='network'><source protocol='nbd' name='n'><host name='h'/></source><target dev='vde'/></disk>"
    "<disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>";
constexpr char kLease[] = "<lease><lockspace>area</lockspace><key>k</key><target path='/leases'/></lease>";

class LockResources : public testing::Test {
 protected:
  std::vector<LockResource> Of(const std::string& devices, const LockdConfig& config) {
    auto def = model::ParseDomain("<domain type='qemu'><name>x</name><memory>1</memory><os><type>hvm</type></os><devices>" +
                                      devices + "</devices></domain>", model::kParseInactive);
    Spawn(Collect(FindLockTargets(def, config), config), "test");
    loop_.Run();
    return std::move(*locks_);
  }
  Task<> Collect(LockTargets targets, LockdConfig config) {
    locks_ = co_await ResolveLocks(std::move(targets), config);
    loop_.Quit();
  }
  Loop loop_;
  std::optional<std::vector<LockResource>> locks_;
};

TEST_F(LockResources, DisksAreLockedAsTheyAreUsed) {
  std::vector<LockResource> wanted = {{"", "/d/own"}, {"", "/d/common", true}, {"", "/dev/there-is-none"}};
  EXPECT_EQ(wanted, Of(kDisks, {}));
}

TEST_F(LockResources, LeaseFilesStandForPaths) {
  LockdConfig config;
  config.file_lockspace_dir = "/files";
  // echo -n /d/own | sha256sum
  std::vector<LockResource> wanted = {
      {"/files", "e6d565893f44188801c434cd48b09370e7a93018c3a916566798d9d1f525cbb1", false, true}};
  EXPECT_EQ(wanted, Of("<disk type='file'><source file='/d/own'/><target dev='vda'/></disk>", config));
  // A device that neither LVM nor udev knows is locked like a file.
  config.lvm_lockspace_dir = "/lvm";
  config.scsi_lockspace_dir = "/scsi";
  auto locks = Of("<disk type='block'><source dev='/dev/there-is-none'/><target dev='vdd'/></disk>", config);
  ASSERT_EQ(1u, locks.size());
  EXPECT_EQ("/files", locks[0].space);
}

TEST_F(LockResources, LeasesComeAfterDisksOrAlone) {
  std::vector<LockResource> wanted = {{"", "/d/own"}, {"/leases/area", "k"}};
  std::string own = "<disk type='file'><source file='/d/own'/><target dev='vda'/></disk>";
  EXPECT_EQ(wanted, Of(own + kLease, {}));
  LockdConfig config;
  config.auto_disk_leases = false;
  config.require_lease_for_disks = true;
  wanted.erase(wanted.begin());
  EXPECT_EQ(wanted, Of(own + kLease, config));
  EXPECT_THROW(Of(own, config), Error);
  // Nobody else is hurt by a guest that only looks.
  EXPECT_TRUE(Of("<disk type='file'><source file='/d/own'/><target dev='vda'/><readonly/></disk>", config).empty());
  EXPECT_THROW(Of("<lease><key>k</key><target path='/leases' offset='4'/></lease>", config), Error);
}

}  // namespace
}  // namespace bv::qemu
