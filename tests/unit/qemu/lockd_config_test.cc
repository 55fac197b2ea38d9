// qemu-lockd.conf: its defaults depend on one another, and what is wrong in it is told in libvirt's words.
#include "qemu/lockd_config.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv {
namespace {

LockdConfig Read(std::string_view text) { return ReadLockdConfig(text, "lockd.conf"); }

TEST(LockdConfig, LeasesAreRequiredWhereDisksAreNotLocked) {
  EXPECT_TRUE(Read("").auto_disk_leases);
  EXPECT_FALSE(Read("").require_lease_for_disks);
  EXPECT_TRUE(Read("auto_disk_leases = 0").require_lease_for_disks);
  EXPECT_FALSE(Read("auto_disk_leases = 0\nrequire_lease_for_disks = 0").require_lease_for_disks);
  EXPECT_FALSE(Read("require_lease_for_disks = 0\nauto_disk_leases = 0").require_lease_for_disks);
  EXPECT_TRUE(Read("require_lease_for_disks = 1").require_lease_for_disks);
}

TEST(LockdConfig, DirectoriesAreReadAndUnknownKeysIgnored) {
  auto config = Read("file_lockspace_dir = \"/f\"\nlvm_lockspace_dir = \"/l\"\nscsi_lockspace_dir = '/s'\nfuture = 1\n");
  EXPECT_EQ("/f", config.file_lockspace_dir);
  EXPECT_EQ("/l", config.lvm_lockspace_dir);
  EXPECT_EQ("/s", config.scsi_lockspace_dir);
}

TEST(LockdConfig, WrongTypesAreRefused) {
  struct {
    const char *text, *message;
  } rows[] = {
      {"auto_disk_leases = \"x\"", "internal error: lockd.conf: expected a bool for 'auto_disk_leases' parameter"},
      {"require_lease_for_disks = 2", "internal error: lockd.conf: value for 'require_lease_for_disks' parameter must be 0 or 1"},
      {"scsi_lockspace_dir = 3", "internal error: lockd.conf: expected a string for 'scsi_lockspace_dir' parameter"},
  };
  for (auto& row : rows) {
    try {
      Read(row.text);
      ADD_FAILURE() << row.text;
    } catch (const Error& error) {
      EXPECT_EQ(row.message, error.message);
    }
  }
  EXPECT_THROW(Read("auto_disk_leases = = 1"), Error);
}

TEST(LockdConfig, TheTemplateSaysEveryKeyAndSetsNone) {
  auto text = LockdConfigTemplate();
  EXPECT_NE(text.npos, text.find("#scsi_lockspace_dir = "));
  EXPECT_EQ("", Read(text).file_lockspace_dir);
  // Every example holds.
  for (std::size_t at = 0; (at = text.find("\n#", at)) != text.npos; ++at) {
    if (text[at + 2] != ' ') text.erase(at + 1, 1);
  }
  auto config = Read(text);
  EXPECT_FALSE(config.auto_disk_leases);
  EXPECT_EQ("/var/lib/libvirt/lockd/files", config.file_lockspace_dir);
}

}  // namespace
}  // namespace bv
