// Leases: exclusive and shared ones, against ourselves and against others, and what is left on disk.
#include "lockd/lockspace.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "base/wait.h"

namespace bv::lockd {
namespace {

// A Lockspace whose calls wait.
class WaitingSpace {
 public:
  explicit WaitingSpace(const std::string& directory) : space_(directory, files_) {}

  void Create(std::string name) { Run(space_.Create(name)); }
  void Delete(std::string name) { Run(space_.Delete(name)); }
  void Acquire(std::string name, pid_t owner, unsigned flags) {
    if (!space_.AcquireAtOnce(name, owner, flags)) Run(space_.Acquire(name, owner, flags, [] { return true; }));
  }
  void Release(std::string name, pid_t owner) {
    if (!space_.ReleaseAtOnce(name, owner)) Run(space_.Release(name, owner));
  }
  bool ReleaseAllOf(pid_t owner) {
    bool any = space_.ReleaseAllOf(owner);
    auto ended = [](FileWork& files) -> Task<> { co_await files.Ended(kNever); };
    Run(ended(files_));
    return any;
  }
  void Restore(SavedLease saved, Fd fd) { space_.Restore(std::move(saved), std::move(fd)); }
  std::size_t held() const { return space_.held(); }
  Lockspace& space() { return space_; }
  FileWork& files() { return files_; }
  Loop& loop() { return loop_; }

  void Run(Task<> task) {
    std::exception_ptr error;
    auto then_quit = [](Loop& loop, Task<> task, std::exception_ptr& error) -> Task<> {
      try {
        co_await std::move(task);
      } catch (...) {
        error = std::current_exception();
      }
      loop.Quit();
    };
    loop_.Post([&] { Spawn(then_quit(loop_, std::move(task), error), "test"); });
    loop_.Run();
    if (error) std::rethrow_exception(error);
  }

 private:
  Loop loop_;
  FileWork files_;
  Lockspace space_;
};

class LockspaceTest : public testing::Test {
 protected:
  LockspaceTest() {
    char name[] = "/tmp/bv_lockd_XXXXXX";
    directory_ = mkdtemp(name);
    space_.emplace(directory_);
  }
  ~LockspaceTest() override {
    space_.reset();
    unlink((directory_ + "/disk").c_str());
    rmdir(directory_.c_str());
  }
  // As another host or process would.
  bool OthersCanLock(short type) {
    Fd fd(open((directory_ + "/disk").c_str(), O_RDWR));
    struct flock lock = {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;
    return fcntl(fd.get(), F_OFD_SETLK, &lock) == 0;
  }
  template <typename F>
  ErrorCode CodeOf(F f) {
    try {
      f();
    } catch (const Error& e) {
      EXPECT_EQ(e.domain, ErrorDomain::kLockspace);
      return e.code;
    }
    return ErrorCode::kOk;
  }
  std::string directory_;
  std::optional<WaitingSpace> space_;
};

// A process between its fork and its exec has all our descriptors, and the locks with them.
TEST_F(LockspaceTest, ReleasedLeasesAreFreeWhoeverHasTheDescriptor) {
  space_->Acquire("disk", 1, kAutocreate);
  space_->Acquire("other", 1, kAutocreate);
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  space_->Release("disk", 1);
  space_->Acquire("disk", 2, kAutocreate);
  space_->Release("disk", 2);
  Fd file(open((directory_ + "/other").c_str(), O_RDWR));
  space_->Release("other", 1);
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  EXPECT_EQ(fcntl(file.get(), F_OFD_SETLK, &lock), 0);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

// What libvirt's virtlockd leaves to us at a live upgrade are POSIX locks.
TEST_F(LockspaceTest, TakesOverPosixLocks) {
  // Another process: POSIX locks do not keep their own out.
  auto others_can_lock = [&](short type) {
    pid_t child = fork();
    if (child == 0) _exit(OthersCanLock(type) ? 1 : 0);
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status) == 1;
  };
  auto posix_lock = [&](short type) {
    Fd fd(open((directory_ + "/disk").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    struct flock lock = {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;
    EXPECT_EQ(fcntl(fd.get(), F_SETLK, &lock), 0);
    return fd;
  };
  SavedLease lease{.name = "disk", .flags = 0, .owners = {1}};
  space_->Restore(lease, posix_lock(F_WRLCK));
  std::string link = directory_ + "/link";
  ASSERT_EQ(::link((directory_ + "/disk").c_str(), link.c_str()), 0);
  EXPECT_EQ(CodeOf([&] { space_->Acquire("disk", 2, 0); }), ErrorCode::kResourceBusy);
  EXPECT_EQ(CodeOf([&] { space_->Acquire("link", 2, 0); }), ErrorCode::kResourceBusy);
  EXPECT_EQ(CodeOf([&] { space_->Create("link"); }), ErrorCode::kResourceBusy);
  EXPECT_FALSE(others_can_lock(F_RDLCK));
  space_->Release("disk", 1);
  EXPECT_TRUE(others_can_lock(F_WRLCK));
  space_->Acquire("link", 1, 0);
  space_->Release("link", 1);
  unlink(link.c_str());

  lease.flags = kShared;
  space_->Restore(lease, posix_lock(F_RDLCK));
  close(open((directory_ + "/disk").c_str(), O_RDWR));
  EXPECT_FALSE(others_can_lock(F_WRLCK));
  EXPECT_TRUE(others_can_lock(F_RDLCK));
  space_->Release("disk", 1);

  // And what is not locked is no lease.
  Fd free_file(open((directory_ + "/disk").c_str(), O_RDWR));
  Fd thief(open((directory_ + "/disk").c_str(), O_RDWR));
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  ASSERT_EQ(fcntl(thief.get(), F_OFD_SETLK, &lock), 0);
  EXPECT_EQ(CodeOf([&] { space_->Restore(lease, std::move(free_file)); }), ErrorCode::kResourceBusy);
}

TEST_F(LockspaceTest, ExclusiveLeaseKeepsAllOthersOut) {
  space_->Create("disk");
  space_->Acquire("disk", 1, 0);
  EXPECT_FALSE(OthersCanLock(F_RDLCK));
  EXPECT_EQ(CodeOf([&] { space_->Acquire("disk", 2, 0); }), ErrorCode::kResourceBusy);
  EXPECT_EQ(CodeOf([&] { space_->Acquire("disk", 2, kShared); }), ErrorCode::kResourceBusy);
  EXPECT_EQ(CodeOf([&] { space_->Delete("disk"); }), ErrorCode::kResourceBusy);
  EXPECT_EQ(CodeOf([&] { space_->Release("disk", 2); }), ErrorCode::kInternalError);
  space_->Release("disk", 1);
  EXPECT_TRUE(OthersCanLock(F_WRLCK));
  EXPECT_TRUE(FileExists(directory_ + "/disk"));
  space_->Delete("disk");
}

TEST_F(LockspaceTest, SharedLeasesAreHeldUntilTheLastOwnerGoes) {
  space_->Acquire("disk", 1, kShared | kAutocreate);
  space_->Acquire("disk", 2, kShared | kAutocreate);
  EXPECT_TRUE(OthersCanLock(F_RDLCK));
  space_->Release("disk", 1);
  EXPECT_FALSE(OthersCanLock(F_WRLCK));
  space_->Release("disk", 2);
  EXPECT_FALSE(FileExists(directory_ + "/disk"));
}

TEST_F(LockspaceTest, WhatSomebodyElseHoldsIsBusy) {
  space_->Create("disk");
  Fd fd(open((directory_ + "/disk").c_str(), O_RDWR));
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  ASSERT_EQ(fcntl(fd.get(), F_OFD_SETLK, &lock), 0);
  EXPECT_EQ(CodeOf([&] { space_->Acquire("disk", 1, 0); }), ErrorCode::kResourceBusy);
  EXPECT_EQ(space_->held(), 0u);
}

TEST_F(LockspaceTest, OwnersEndFreesAllItsLeases) {
  space_->Acquire("disk", 7, kAutocreate);
  EXPECT_FALSE(space_->ReleaseAllOf(8));
  EXPECT_TRUE(space_->ReleaseAllOf(7));
  EXPECT_EQ(space_->held(), 0u);
  EXPECT_FALSE(FileExists(directory_ + "/disk"));
}

// The first one asks the file system, off the loop; from then on it is known.
TEST_F(LockspaceTest, LocalFilesAreUsedAtOnce) {
  EXPECT_FALSE(space_->space().AcquireAtOnce("disk", 1, kAutocreate));
  space_->Acquire("disk", 1, kAutocreate);
  EXPECT_TRUE(space_->space().AcquireAtOnce("other", 1, kAutocreate));
  EXPECT_TRUE(space_->space().ReleaseAtOnce("other", 1));
  EXPECT_TRUE(space_->space().ReleaseAtOnce("disk", 1));
  EXPECT_FALSE(FileExists(directory_ + "/disk"));
  EXPECT_FALSE(FileExists(directory_ + "/other"));
}

// As when the client has gone while we waited for the file.
TEST_F(LockspaceTest, WhatIsNotWantedAnyMoreIsGivenBack) {
  int asked = 0;
  space_->Run(space_->space().Acquire("disk", 1, kAutocreate, [&asked] { return ++asked < 2; }));
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(space_->held(), 0u);
  EXPECT_FALSE(FileExists(directory_ + "/disk"));
  space_->Acquire("disk", 2, kAutocreate);
  space_->Release("disk", 2);
}

// While work on a lease's file is under way, more about that lease comes after it, and nothing at once.
TEST_F(LockspaceTest, WorkOnALeaseComesOneAfterTheOther) {
  auto both = [](WaitingSpace& waiting) -> Task<> {
    Lockspace& space = waiting.space();
    auto acquire = [](Lockspace& space, pid_t owner) -> Task<> {
      std::string name = "disk";
      std::function<bool()> wanted = [] { return true; };
      co_await space.Acquire(name, owner, kShared | kAutocreate, wanted);
    };
    Spawn(acquire(space, 1), "first");
    EXPECT_FALSE(space.AcquireAtOnce("disk", 3, kShared | kAutocreate));
    EXPECT_FALSE(space.ReleaseAtOnce("disk", 1));
    co_await acquire(space, 2);
    EXPECT_EQ(space.held(), 1u);
    EXPECT_TRUE(space.ReleaseAtOnce("disk", 1));
    EXPECT_TRUE(space.ReleaseAtOnce("disk", 2));
  };
  space_->Run(both(*space_));
  EXPECT_FALSE(FileExists(directory_ + "/disk"));
}

TEST_F(LockspaceTest, MissingResourceIsAnError) {
  EXPECT_EQ(CodeOf([&] { space_->Acquire("disk", 1, 0); }), ErrorCode::kSystemError);
}

}  // namespace
}  // namespace bv::lockd
