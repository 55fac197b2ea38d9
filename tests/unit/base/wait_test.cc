// What coroutines wait for: resumption order, deadlines, and that a destroyed awaiter is left alone.
#include "base/wait.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/turn.h"

namespace bv {
namespace {

using namespace std::chrono_literals;

class WaitTest : public testing::Test {
 protected:
  // Runs `task` and the loop until it has finished.
  void Run(Task<> task) {
    Spawn(Finish(std::move(task)), "test");
    loop_.Run();
  }
  Task<> Finish(Task<> task) {
    co_await std::move(task);
    loop_.Quit();
  }
  Loop loop_;
};

TEST_F(WaitTest, SleepTakesAtLeastItsTime) {
  auto begin = Clock::now();
  Run(Sleep(20ms));
  EXPECT_GE(Clock::now() - begin, 20ms);
}

TEST_F(WaitTest, EventWakesAllWhoWaitInOrder) {
  Event event;
  std::string order;
  auto waiter = [&](char c) -> Task<> {
    EXPECT_TRUE(co_await event.Wait());
    order += c;
  };
  Spawn(waiter('a'), "a");
  Spawn(waiter('b'), "b");
  Run([&]() -> Task<> {
    event.Set();
    co_await Sleep(1ms);
  }());
  EXPECT_EQ(order, "ab");
}

TEST_F(WaitTest, WaitEndsAtTheDeadline) {
  Run([]() -> Task<> {
    Event event;
    EXPECT_FALSE(co_await event.Wait(In(5ms)));
  }());
}

TEST_F(WaitTest, OffloadReturnsValuesAndExceptionsFromAnotherThread) {
  Run([]() -> Task<> {
    auto here = std::this_thread::get_id();
    auto there = co_await Offload([] { return std::this_thread::get_id(); });
    EXPECT_NE(here, there);
    EXPECT_EQ(here, std::this_thread::get_id());
    std::string caught;
    try {
      co_await Offload([] { throw std::runtime_error("disk"); });
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
    EXPECT_EQ(caught, "disk");
  }());
}

TEST_F(WaitTest, ReadableSeesAPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Run([&]() -> Task<> {
    EXPECT_FALSE(co_await Readable(ends[0], In(5ms)));
    EXPECT_EQ(write(ends[1], "x", 1), 1);
    EXPECT_TRUE(co_await Readable(ends[0], In(5s)));
  }());
  close(ends[0]);
  close(ends[1]);
}

TEST_F(WaitTest, MutexAdmitsInOrderAndGivesUpAtTheDeadline) {
  AsyncMutex mutex;
  std::string order;
  Run([&]() -> Task<> {
    auto first = co_await mutex.Acquire();
    EXPECT_TRUE(first);
    auto second = co_await mutex.Acquire(In(5ms));
    EXPECT_FALSE(second);
    auto late = [&](char c) -> Task<> {
      auto lock = co_await mutex.Acquire();
      order += c;
      co_await Sleep(1ms);
    };
    Spawn(late('1'), "1");
    Spawn(late('2'), "2");
    first.reset();
    co_await Sleep(20ms);
  }());
  EXPECT_EQ(order, "12");
  EXPECT_FALSE(mutex.held());
}

TEST_F(WaitTest, StallIsCountedWithTheHandlersName) {
  Spawn([]() -> Task<> {
    co_await Sleep(1ms);
    Loop::Current().set_running_name("slow");
    std::this_thread::sleep_for(15ms);
    Loop::Current().Quit();
  }(), "stall");
  loop_.Run();
  EXPECT_EQ(loop_.stalls().count, 1u);
  EXPECT_STREQ(loop_.stalls().worst_name, "slow");
}

TEST_F(WaitTest, WhatWaitedIsStillCalledByItsName) {
  auto waits = [this]() -> Task<> {
    co_await Sleep(1ms);
    EXPECT_STREQ(loop_turn.name, "patient");
    loop_.Quit();
  };
  const char* before = loop_turn.name;
  Spawn(waits(), "patient");
  EXPECT_STREQ(loop_turn.name, before);
  loop_.Run();
}

TEST_F(WaitTest, LongTurnsLetOthersIn) {
  std::string order;
  auto has_much_to_do = [&]() -> Task<> {
    std::this_thread::sleep_for(6ms);
    co_await Breathe();
    order += "long";
    loop_.Quit();
  };
  loop_.Post([&] { Spawn(has_much_to_do(), "busy"); });
  loop_.Post([&] { order += "other,"; });
  loop_.Run();
  EXPECT_EQ(order, "other,long");
}

// A dead file server must not take the threads that everything else needs.
TEST_F(WaitTest, WorkThatIsStuckHoldsUpNobodyElse) {
  std::promise<void> answer;
  auto answered = answer.get_future().share();
  int stuck = 20, ended = 0;
  auto hang = [&]() -> Task<> {
    auto wait = [answered] { answered.wait(); };
    co_await Offload(std::move(wait));
    ++ended;
  };
  for (int i = 0; i < stuck; ++i) Spawn(hang(), "hang");
  auto others = [&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      auto work = [] { return 1; };
      EXPECT_EQ(co_await Offload(std::move(work)), 1);
    }
    EXPECT_EQ(ended, 0);
    answer.set_value();
    while (ended < stuck) co_await Sleep(1ms);
  };
  Run(others());
}

TEST_F(WaitTest, FewWorkAtOnce) {
  std::atomic<int> now = 0, most = 0;
  int ended = 0;
  auto work = [&]() -> Task<> {
    auto busy = [&] {
      int count = ++now;
      for (int seen = most; count > seen && !most.compare_exchange_weak(seen, count);) {}
      std::this_thread::sleep_for(5ms);
      --now;
    };
    co_await Offload(std::move(busy));
    ++ended;
  };
  for (int i = 0; i < 20; ++i) Spawn(work(), "work");
  auto all = [&]() -> Task<> {
    while (ended < 20) co_await Sleep(1ms);
  };
  Run(all());
  EXPECT_LE(most, 8);  // 4, but for a machine that is very busy
}

}  // namespace
}  // namespace bv
