// Crash after crash on a simulated disk: nothing acknowledged is ever lost (DURABILITY.md, P2-P4).
#include "tests/lib/journal/simulation.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace claimgate::journal {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool slow = true;  // tenfold: there it is the memory that is looked at
#else
constexpr bool slow = false;
#endif

std::uint64_t as_many(std::uint64_t short_form, std::uint64_t long_form) {
  return (std::getenv("CLAIMGATE_LONG") != nullptr ? long_form : short_form) / (slow ? 20 : 1);
}

TEST(JournalSimulation, NothingAcknowledgedIsLostInAnyCrash) {
  const std::uint64_t wanted = as_many(20'000, 500'000);
  SimulationCounts all;
  for (std::uint64_t seed = 1; all.crashes < wanted && all.lost.empty(); ++seed) {
    all += simulate({.seed = seed});
  }
  std::printf(
      "tried %llu crashes, lost 0: %llu of them in recovery, up to %llu in a row; %llu "
      "acknowledgements, %llu checkpoints, %llu segments made or recycled\n",
      static_cast<unsigned long long>(all.crashes),
      static_cast<unsigned long long>(all.crashes_in_recovery),
      static_cast<unsigned long long>(all.deepest),
      static_cast<unsigned long long>(all.acknowledged),
      static_cast<unsigned long long>(all.checkpoints),
      static_cast<unsigned long long>(all.segments_recycled));
  EXPECT_EQ(all.lost, "");
}

// One bit anywhere in any file, in a journal whose last words have been followed by others. The
// start then finds everything, or refuses and says where.
TEST(JournalSimulation, RotInWhatWasAcknowledgedIsNeverTakenForTruth) {
  const std::uint64_t wanted = as_many(2'000, 50'000);
  SimulationCounts all;
  for (std::uint64_t seed = 1; all.rotted < wanted && all.lost.empty(); ++seed) {
    all += simulate({.seed = seed, .rot = true});
  }
  std::printf("tried %llu flipped bits, lost 0: %llu starts refused, %llu crashes\n",
              static_cast<unsigned long long>(all.rotted),
              static_cast<unsigned long long>(all.refused),
              static_cast<unsigned long long>(all.crashes));
  EXPECT_EQ(all.lost, "");
  EXPECT_GT(all.refused, all.rotted / 100);
}

}  // namespace
}  // namespace claimgate::journal
