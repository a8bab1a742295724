#include "apps/claimgen/flights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <utility>

#include "apps/claimgen/random.hpp"

namespace claimgate::claimgen {
namespace {

TEST(Flights, GiveTheLongestSilentFirstAsAListOfThemWould) {
  Random random(3);
  constexpr std::uint32_t count = 20;
  Flights flights(count);
  std::list<std::pair<Flights::Index, std::uint64_t>> line;  // in the order of sending
  std::vector<Flights::Index> taken;                         // silent, not yet sent again
  const auto forget = [&](Flights::Index at) {
    line.remove_if([&](const auto& each) { return each.first == at; });
    std::erase(taken, at);
  };
  std::uint64_t now = 0;
  std::uint32_t next_claim = 0;
  for (unsigned step = 0; step < 200'000; ++step) {
    now += random.below(3);
    ASSERT_EQ(flights.under_way(), line.size() + taken.size());
    ASSERT_EQ(flights.room(), count - flights.under_way());
    switch (random.below(4)) {
      case 0:
        if (flights.room() > 0) {
          const std::uint32_t claims[] = {next_claim, next_claim + 1};
          next_claim += 2;
          const auto at = flights.open(claims);
          ASSERT_TRUE(std::ranges::none_of(line, [&](auto& each) { return each.first == at; }));
          ASSERT_EQ(flights[at].n, 2);
          ASSERT_EQ(flights[at].claims[1], claims[1]);
          ASSERT_EQ(flights[at].repeats, 0);
          flights.sent(at, now);
          line.emplace_back(at, now);
        }
        break;
      case 1: {
        const std::uint64_t upto = now < 20 ? 0 : now - random.below(20);
        const auto at = flights.take_silent(upto);
        if (line.empty() || line.front().second > upto) {
          ASSERT_EQ(at, Flights::none);
        } else {
          ASSERT_EQ(at, line.front().first);
          line.pop_front();
          taken.push_back(at);
        }
        break;
      }
      case 2:
        if (!taken.empty()) {
          const auto at = taken.back();
          flights.sent(at, now);
          forget(at);
          line.emplace_back(at, now);
        }
        break;
      default:
        if (random.below(2) == 0 && !line.empty()) {
          const auto at =
              std::next(line.begin(), static_cast<long>(random.below(line.size())))->first;
          forget(at);
          flights.close(at);
          ASSERT_EQ(flights[at].n, 0);
        } else if (!taken.empty()) {
          const auto at = taken[random.below(taken.size())];
          forget(at);
          flights.close(at);
        }
    }
  }
}

}  // namespace
}  // namespace claimgate::claimgen
