#include "lib/counter/counter.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace claimgate::counter {
namespace {

TEST(Counter, StartsAtZeroAndSumsWhatIsAdded) {
  Counter counter;
  EXPECT_EQ(counter.value(), 0u);
  counter.add();
  counter.add(41);
  counter.add(0);
  EXPECT_EQ(counter.value(), 42u);
}

TEST(Counter, NeverGoesBackwardsForAReaderAndLosesNothing) {
  constexpr std::uint64_t steps = 200'000;
  Counter counter;
  std::atomic<bool> ready{false};
  std::thread writer([&] {
    while (!ready.load()) std::this_thread::yield();
    for (std::uint64_t i = 0; i < steps; ++i) counter.add(3);
  });
  std::uint64_t last = 0;
  bool monotone = true;
  bool multiple = true;
  ready.store(true);
  while (last < steps * 3 && monotone && multiple) {
    const std::uint64_t now = counter.value();
    monotone = now >= last;
    multiple = now % 3 == 0;
    last = now;
  }
  writer.join();
  EXPECT_TRUE(monotone);
  EXPECT_TRUE(multiple);
  EXPECT_EQ(counter.value(), steps * 3);
}

}  // namespace
}  // namespace claimgate::counter
