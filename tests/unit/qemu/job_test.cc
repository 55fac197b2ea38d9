#include "qemu/job.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace bv::qemu {
namespace {

using namespace std::chrono_literals;

// Runs `task` on a loop of its own until it ends.
void RunToEnd(Task<> task) {
  Loop loop;
  auto body = [](Task<> inner, Loop* loop) -> Task<> {
    co_await Sleep(0ms);  // Quit() counts only within Run()
    co_await std::move(inner);
    loop->Quit();
  };
  Spawn(body(std::move(task), &loop), "test");
  loop.Run();
}

TEST(JobQueue, ModifyJobsTakeTurnsInOrder) {
  JobQueue queue;
  std::string order;
  auto modify = [](JobQueue* queue, std::string* order, char mark, Event* done) -> Task<> {
    auto turn = co_await queue->Begin(Job::kModify, "test");
    *order += mark;
    co_await Sleep(1ms);
    *order += mark;
    done->Set();
  };
  auto all = [&]() -> Task<> {
    Event a, b, c;
    Spawn(modify(&queue, &order, 'a', &a), "a");
    Spawn(modify(&queue, &order, 'b', &b), "b");
    Spawn(modify(&queue, &order, 'c', &c), "c");
    co_await a.Wait();
    co_await b.Wait();
    co_await c.Wait();
  };
  RunToEnd(all());
  EXPECT_EQ("aabbcc", order);
}

TEST(JobQueue, QueriesRunAlongsideAndDestroyDuringALongJob) {
  JobQueue queue;
  auto all = [&]() -> Task<> {
    auto save = co_await queue.BeginAsync(AsyncJob::kSave, 2, "save");
    auto query = co_await queue.Begin(Job::kQuery, "info");
    auto destroy = co_await queue.Begin(Job::kDestroy, "destroy");
    EXPECT_EQ(Job::kDestroy, queue.active());
    EXPECT_EQ(AsyncJob::kSave, queue.async());
  };
  RunToEnd(all());
  EXPECT_EQ(AsyncJob::kNone, queue.async());
}

TEST(JobQueue, WaitEndsWithTheHoldersName) {
  JobQueue queue;
  std::string message;
  auto all = [&]() -> Task<> {
    auto held = co_await queue.Begin(Job::kModify, "remoteDispatchDomainCreate");
    try {
      auto second = co_await queue.Begin(Job::kModify, "test", 5ms);
    } catch (const Error& error) {
      EXPECT_EQ(ErrorCode::kOperationTimeout, error.code);
      message = error.message;
    }
  };
  RunToEnd(all());
  EXPECT_EQ("Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainCreate)",
            message);
}

TEST(JobQueue, LongJobShutsOutModify) {
  JobQueue queue;
  auto checked = [&]() -> Task<> {
    auto held = co_await queue.BeginAsync(AsyncJob::kDump, 3, "dump");
    bool refused = false;
    try {
      auto turn = co_await queue.Begin(Job::kModify, "test", 1ms);
    } catch (const Error&) {
      refused = true;
    }
    EXPECT_TRUE(refused);
    held.Release();
    auto turn = co_await queue.Begin(Job::kModify, "test", 1ms);
    EXPECT_EQ(Job::kModify, queue.active());
  };
  RunToEnd(checked());
}

}  // namespace
}  // namespace bv::qemu
