#include "storage/pool.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace bv::storage {
namespace {

using model::PoolDef;

PoolDef Dir(const char* name, const char* path) {
  return model::ParsePool(std::string("<pool type='dir'><name>") + name + "</name><target><path>" + path + "</path></target></pool>");
}

PoolDef OnDevice(const char* type, const char* device) {
  return model::ParsePool(std::string("<pool type='") + type + "'><name>" + type + "</name><source><device path='" + device +
                          "'/></source><target><path>/t</path></target></pool>");
}

ErrorCode CodeOf(auto f) {
  try {
    f();
  } catch (const Error& e) {
    return e.code;
  }
  return ErrorCode::kOk;
}

TEST(StoragePools, OneSourceIsOnePool) {
  EXPECT_TRUE(SharesSource(Dir("a", "/x"), Dir("b", "/x/")));
  EXPECT_FALSE(SharesSource(Dir("a", "/x"), Dir("b", "/y")));
  // A device is one pool's, of whatever type that is.
  EXPECT_TRUE(SharesSource(OnDevice("fs", "/dev/sda"), OnDevice("disk", "/dev/sda")));
  EXPECT_FALSE(SharesSource(OnDevice("fs", "/dev/sda"), OnDevice("disk", "/dev/sdb")));
  EXPECT_FALSE(SharesSource(Dir("a", "/t"), OnDevice("fs", "/dev/sda")));
}

TEST(StoragePools, ListRefusesRivals) {
  PoolList list;
  PoolDef a = Dir("a", "/x");
  auto pool = list.Put(a);
  EXPECT_EQ(CodeOf([&] { list.Check(Dir("a", "/other"), false); }), ErrorCode::kOperationFailed);   // its name
  EXPECT_EQ(CodeOf([&] { list.Check(Dir("b", "/x"), false); }), ErrorCode::kOperationFailed);       // its directory
  PoolDef renamed = a;
  renamed.name = "b";
  EXPECT_EQ(CodeOf([&] { list.Check(renamed, false); }), ErrorCode::kOperationFailed);              // its UUID
  EXPECT_EQ(CodeOf([&] { list.Check(a, true); }), ErrorCode::kOk);
  pool->active = true;
  EXPECT_EQ(CodeOf([&] { list.Check(a, true); }), ErrorCode::kOperationInvalid);
  EXPECT_EQ(CodeOf([&] { list.Get("none"); }), ErrorCode::kNoStoragePool);
  EXPECT_EQ(list.GetByTarget("/x//"), pool);
}

TEST(StoragePools, DefinitionOfAnActivePoolIsForItsNextStart) {
  PoolList list;
  PoolDef a = Dir("a", "/x");
  auto pool = list.Put(a);
  pool->active = true;
  PoolDef moved = a;
  moved.target_path = "/y";
  EXPECT_EQ(list.Put(moved), pool);
  EXPECT_EQ(pool->def.target_path, "/x");
  EXPECT_EQ(pool->next->target_path, "/y");
}

TEST(StoragePools, JobsKeepAPoolAsItIs) {
  Pool pool;
  pool.def = Dir("a", "/x");
  EXPECT_EQ(CodeOf([&] { pool.RequireActive(); }), ErrorCode::kOperationInvalid);
  pool.jobs = 1;
  EXPECT_EQ(CodeOf([&] { pool.RequireIdle(); }), ErrorCode::kInternalError);
}

}  // namespace
}  // namespace bv::storage
