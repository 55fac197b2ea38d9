// Which certificates a daemon uses: those of the configuration, else the user's own as far as they are there, else the system's.
#include "daemon/tls_settings.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/files.h"

namespace bv {
namespace {

class TlsSettingsTest : public testing::Test {
 protected:
  TlsSettingsTest() {
    char name[] = "/tmp/bv_tls_XXXXXX";
    directory_ = mkdtemp(name);
    paths_.certificates = Own();
    paths_.system_certificates = {"/sys/ca", "/sys/crl", "/sys/cert", "/sys/key"};
  }
  ~TlsSettingsTest() override { std::filesystem::remove_all(directory_); }

  CertificatePaths Own() const { return {directory_ + "/ca", directory_ + "/crl", directory_ + "/cert", directory_ + "/key"}; }
  void Have(std::initializer_list<const char*> names) {
    for (const char* name : names) WriteFileAtomic(directory_ + "/" + name, "");
  }
  TlsServerSettings Settings() const { return TlsSettingsOf(config_, paths_); }

  std::string directory_;
  DaemonPaths paths_;
  DaemonConfig config_;
};

TEST_F(TlsSettingsTest, WhatTheUserDoesNotHaveIsTheSystems) {
  EXPECT_EQ(Settings().ca_file, "/sys/ca");
  EXPECT_EQ(Settings().crl_file, "/sys/crl");
  EXPECT_EQ(Settings().cert_file, "/sys/cert");
  Have({"ca", "cert"});
  EXPECT_EQ(Settings().ca_file, Own().ca);
  EXPECT_EQ(Settings().cert_file, "/sys/cert") << "a certificate without its key";
  EXPECT_EQ(Settings().key_file, "/sys/key");
  Have({"key", "crl"});
  EXPECT_EQ(Settings().cert_file, Own().certificate);
  EXPECT_EQ(Settings().key_file, Own().key);
  EXPECT_EQ(Settings().crl_file, Own().crl);
  EXPECT_FALSE(Settings().crl_required);
}

TEST_F(TlsSettingsTest, TheConfigurationNamesAllOrNone) {
  Have({"ca", "cert", "key", "crl"});
  config_.ca_file = "/my/ca";
  EXPECT_THROW(Settings(), Error);
  config_.cert_file = "/my/cert";
  EXPECT_THROW(Settings(), Error);
  config_.key_file = "/my/key";
  EXPECT_EQ(Settings().ca_file, "/my/ca");
  EXPECT_EQ(Settings().key_file, "/my/key");
  EXPECT_EQ(Settings().crl_file, "") << "the revocations of another authority";
  config_.crl_file = "/my/crl";
  EXPECT_TRUE(Settings().crl_required);
  config_.ca_file.reset();
  EXPECT_THROW(Settings(), Error);
}

}  // namespace
}  // namespace bv
