// Secrets: what is defined is on disk and found again, ephemeral ones never are, and rules of use hold.
#include "secret/secret_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "base/files.h"

namespace bv::secret {
namespace {

class SecretStoreTest : public testing::Test {
 protected:
  SecretStoreTest() {
    char name[] = "/tmp/bv_secret_XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~SecretStoreTest() override {
    for (auto& uuid : made_) SecretStore::RemoveFiles(directory_, uuid);
    rmdir(directory_.c_str());
  }
  Secret Make(const char* attributes, const char* usage_name) {
    Secret secret{model::ParseSecret(std::string("<secret ") + attributes + "><usage type='ceph'><name>" + usage_name +
                                         "</name></usage></secret>",
                                     false),
                  std::nullopt};
    made_.push_back(secret.def.uuid);
    return secret;
  }
  std::string directory_;
  std::vector<Uuid> made_;
};

TEST_F(SecretStoreTest, IsFoundAgainWithItsValue) {
  Secret secret = Make("ephemeral='no'", "a");
  secret.value = std::string("\0\xff key", 6);
  SecretStore::WriteFiles(directory_, secret);
  SecretStore store(directory_);
  store.Load(SecretStore::ReadFiles(directory_));
  EXPECT_EQ(store.Get(secret.def.uuid).value, secret.value);
  EXPECT_NE(store.Find(model::SecretUsage::kCeph, "a"), nullptr);
  EXPECT_EQ(store.Find(model::SecretUsage::kIscsi, "a"), nullptr);
}

TEST_F(SecretStoreTest, EphemeralOnesLeaveNothingOnDisk) {
  Secret secret = Make("ephemeral='no'", "a");
  SecretStore::WriteFiles(directory_, secret);
  secret.def.ephemeral = true;
  SecretStore::WriteFiles(directory_, secret);
  EXPECT_FALSE(FileExists(directory_ + "/" + secret.def.uuid.ToString() + ".xml"));
}

TEST_F(SecretStoreTest, OneUsageHasOneSecretAndPrivateStaysPrivate) {
  SecretStore store(directory_);
  Secret secret = Make("private='yes'", "a");
  store.Put(secret);
  EXPECT_THROW(store.CheckDefinition(Make("", "a").def), Error);
  EXPECT_NO_THROW(store.CheckDefinition(Make("", "b").def));
  secret.def.is_private = false;
  EXPECT_THROW(store.CheckDefinition(secret.def), Error);
}

TEST_F(SecretStoreTest, LoadsWhatChangedAndKeepsTheRest) {
  SecretStore store(directory_);
  Secret known = Make("private='yes'", "a"), public_now = Make("private='yes'", "b"), rival = Make("", "a"), added = Make("", "c");
  known.value = public_now.value = "value";
  store.Put(known);
  store.Put(public_now);
  known.def.description = "new";
  known.value.reset();
  public_now.def.is_private = false;
  store.Load({known, public_now, rival, added});
  EXPECT_EQ(store.Get(known.def.uuid).def.description, "new");
  EXPECT_EQ(store.Get(known.def.uuid).value, "value");
  EXPECT_TRUE(store.Get(public_now.def.uuid).def.is_private);
  EXPECT_EQ(store.Find(rival.def.uuid), nullptr);
  EXPECT_NE(store.Find(added.def.uuid), nullptr);
}

TEST_F(SecretStoreTest, BrokenFilesAreLeftAlone) {
  std::string path = directory_ + "/broken.xml";
  WriteFileAtomic(path, "<secret");
  SecretStore store(directory_);
  store.Load(SecretStore::ReadFiles(directory_));
  EXPECT_TRUE(store.all().empty());
  EXPECT_TRUE(FileExists(path));
  unlink(path.c_str());
}

}  // namespace
}  // namespace bv::secret
