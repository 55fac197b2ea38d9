// What is local is known when it was asked about once, and forgotten when mounts may have changed.
#include "lockd/local_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace bv::lockd {
namespace {

TEST(LocalFilesTest, OnlyWhatTheFileSystemSaidIsKnown) {
  LocalFiles files;
  char name[] = "/tmp/bv_local_XXXXXX";
  Fd file(mkstemp(name));
  ASSERT_TRUE(file);
  EXPECT_FALSE(files.Knows(name));
  auto generation = files.Generation();
  auto answer = LocalFiles::Ask(file.get());
  if (!answer.local) GTEST_SKIP() << "/tmp is on no disk of this machine";
  files.Remember(answer, generation + 1);
  EXPECT_FALSE(files.Knows(name)) << "mounts have changed since it was asked";
  files.Remember(answer, generation);
  EXPECT_TRUE(files.Knows(name));
  std::string link = std::string(name) + ".link";
  EXPECT_FALSE(files.Knows(link)) << "nothing is there";
  // Where a link leads is not believed for ever.
  ASSERT_EQ(symlink(name, link.c_str()), 0);
  EXPECT_TRUE(files.Knows(link));
  unlink(link.c_str());
  ASSERT_EQ(symlink("/proc/self/status", link.c_str()), 0);
  auto begin = Clock::now();
  while (files.Knows(link) && Clock::now() - begin < std::chrono::seconds(5)) usleep(20000);
  EXPECT_FALSE(files.Knows(link));
  unlink(link.c_str());
  unlink(name);
}

TEST(LocalFilesTest, OtherFileSystemsAreNot) {
  LocalFiles files;
  Fd file(open("/proc/self/status", O_RDONLY));
  auto answer = LocalFiles::Ask(file.get());
  EXPECT_FALSE(answer.local);
  files.Remember(answer, files.Generation());
  EXPECT_FALSE(files.Knows("/proc/self/status"));
}

}  // namespace
}  // namespace bv::lockd
