// Directories and programs.
#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace {

using namespace bv;

class FilesTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/bv_files_XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    top_ = path;
  }
  void TearDown() override { RemoveTree(top_); }

  std::string top_;
};

TEST_F(FilesTest, ListsByNameAndBySuffix) {
  for (const char* name : {"b.xml", "a.xml", ".hidden.xml", ".xml", "c.txt"}) WriteFileAtomic(top_ + "/" + name, "");
  EXPECT_EQ(ListDirectory(top_), (std::vector<std::string>{".hidden.xml", ".xml", "a.xml", "b.xml", "c.txt"}));
  EXPECT_EQ(ListDirectory(top_, ".xml"), (std::vector<std::string>{"a.xml", "b.xml"}));
  EXPECT_TRUE(ListDirectory(top_ + "/none").empty());
}

TEST_F(FilesTest, RemovesATreeAndNotWhatItsLinksPointAt) {
  MakeDirs(top_ + "/tree/below/it");
  MakeDirs(top_ + "/kept");
  WriteFileAtomic(top_ + "/tree/below/file", "");
  WriteFileAtomic(top_ + "/kept/file", "");
  ASSERT_EQ(symlink((top_ + "/kept").c_str(), (top_ + "/tree/link").c_str()), 0);
  RemoveTree(top_ + "/tree");
  EXPECT_FALSE(FileExists(top_ + "/tree"));
  EXPECT_TRUE(FileExists(top_ + "/kept/file"));
}

TEST_F(FilesTest, FindsOnlyWhatCanBeRun) {
  WriteFileAtomic(top_ + "/plain", "", 0644);
  WriteFileAtomic(top_ + "/tool", "", 0755);
  MakeDirs(top_ + "/directory");
  EXPECT_EQ(FindProgram(top_ + "/tool"), top_ + "/tool");
  EXPECT_FALSE(FindProgram(top_ + "/plain"));
  EXPECT_FALSE(FindProgram(top_ + "/directory"));
  EXPECT_TRUE(FindProgram("sh"));
  EXPECT_FALSE(FindProgram("no such program"));
}

}  // namespace
