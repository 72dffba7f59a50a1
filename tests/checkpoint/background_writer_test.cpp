#include "checkpoint/background_writer.h"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace incubate {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(BackgroundWriter, SubmittingDoesNotWait) {
  BackgroundWriter writer;
  std::promise<void> begin, end;
  std::future<double> done = writer.submit([&] {
    begin.set_value();
    end.get_future().wait_for(seconds(10));
  });
  begin.get_future().wait();  // its thread may start late on a busy machine
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(done.wait_for(seconds(0)), std::future_status::timeout);
  end.set_value();
  EXPECT_GE(done.get(), 0.02);
}

TEST(BackgroundWriter, JobsRunInOrderOnOneOtherThread) {
  BackgroundWriter writer;
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  std::vector<std::future<double>> done;
  for (int i = 0; i < 10; ++i) {
    done.push_back(writer.submit([&, i] {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    }));
  }
  for (std::future<double>& future : done) future.get();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(threads, std::vector<std::thread::id>(10, threads.front()));
  EXPECT_NE(threads.front(), std::this_thread::get_id());
}

TEST(BackgroundWriter, WhatAJobThrowsReachesTheOneWhoAsks) {
  BackgroundWriter writer;
  std::future<double> bad = writer.submit([] { throw std::runtime_error("disk full"); });
  std::future<double> good = writer.submit([] {});
  EXPECT_THROW(bad.get(), std::runtime_error);
  EXPECT_NO_THROW(good.get());
}

TEST(BackgroundWriter, LeavesOnlyWhenAllIsDone) {
  std::atomic<int> count = 0;
  {
    BackgroundWriter writer;
    for (int i = 0; i < 5; ++i) {
      writer.submit([&count] {
        std::this_thread::sleep_for(milliseconds(5));
        ++count;
      });
    }
  }
  EXPECT_EQ(count, 5);
}

}  // namespace
}  // namespace incubate
