// What only the daemons of a host know: made once, kept from others, the same for all.
#include "daemon/system_token.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/files.h"

namespace bv {
namespace {

class SystemTokenTest : public testing::Test {
 protected:
  SystemTokenTest() {
    char name[] = "/tmp/bv_token_XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~SystemTokenTest() override { std::filesystem::remove_all(directory_); }

  std::string Path() const { return directory_ + "/common/system.token"; }

  std::string directory_;
};

TEST_F(SystemTokenTest, IsMadeOnceAndForItsOwnerAlone) {
  std::string token = SystemToken(directory_);
  EXPECT_EQ(token.size(), 32u);
  EXPECT_EQ(token.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(SystemToken(directory_), token);
  EXPECT_EQ(ReadFile(Path()), token);
  struct stat info;
  ASSERT_EQ(stat(Path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_NE(SystemToken(directory_ + "/another"), token);
}

TEST_F(SystemTokenTest, AnEmptyFileIsFilled) {
  MakeDirs(directory_ + "/common");
  WriteFileAtomic(Path(), "");
  EXPECT_EQ(SystemToken(directory_).size(), 32u);
}

TEST_F(SystemTokenTest, WhatIsNoTokenIsRefused) {
  MakeDirs(directory_ + "/common");
  WriteFileAtomic(Path(), "0123456789abcdef");
  try {
    SystemToken(directory_);
    FAIL() << "half a token is one";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::kInternalError);
  }
}

}  // namespace
}  // namespace bv
