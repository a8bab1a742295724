#include "lib/secp/key_word.hpp"

#include <gtest/gtest.h>

#include <random>

namespace claimgate::secp {
namespace {

TEST(KeyWord, IsAColdKeyOfNoCountWhereAllIsZero) {
  const KeyWord word;
  EXPECT_EQ(word.tier(), Tier::cold);
  EXPECT_TRUE(word.plainly_cold());
  EXPECT_FALSE(word.building());
  EXPECT_FALSE(word.suspect());
  EXPECT_EQ(word.number(), 0u);
  EXPECT_EQ(word.count_at(0), 0u);
  EXPECT_EQ(word.count_at(12'345), 0u);
}

TEST(KeyWord, KeepsItsFieldsApart) {
  std::mt19937_64 random(1);
  KeyWord word;
  std::uint32_t count = 0, number = 0;
  std::uint16_t epoch = 0;
  Tier tier = Tier::cold;
  bool building = false, suspect = false;
  for (int i = 0; i < 100'000; ++i) {
    switch (random() % 4) {
      case 0:
        count = static_cast<std::uint32_t>(random()) >> (random() % 2 == 0 ? 12 : 31);
        epoch = static_cast<std::uint16_t>(random());
        word.set_count(count, epoch);
        break;
      case 1:
        tier = static_cast<Tier>(random() % 3);
        number = static_cast<std::uint32_t>(random()) >> 8;
        word.set_tier(tier, number);
        break;
      case 2:
        word.set_building(building = random() % 2 == 0);
        break;
      default:
        word.set_suspect(suspect = random() % 2 == 0);
        break;
    }
    ASSERT_EQ(word.count_at(epoch), count);
    ASSERT_EQ(word.number(), number);
    ASSERT_EQ(word.tier(), tier);
    ASSERT_EQ(word.building(), building);
    ASSERT_EQ(word.suspect(), suspect);
    ASSERT_EQ(word.plainly_cold(), tier == Tier::cold && !suspect);
  }
}

TEST(KeyWord, HalvesWithEveryEpochAlsoWhereTheEpochComesRound) {
  for (const std::uint16_t epoch : {std::uint16_t{0}, std::uint16_t{7}, std::uint16_t{65'530}}) {
    KeyWord word;
    word.set_count(1'000'000, epoch);
    for (unsigned passed = 0; passed < 65'536; ++passed) {
      const auto now = static_cast<std::uint16_t>(epoch + passed);
      ASSERT_EQ(word.count_at(now), passed < 20 ? 1'000'000u >> passed : 0u) << passed;
    }
  }
}

TEST(KeyWord, SaturatesInsteadOfOverflowing) {
  KeyWord word;
  word.set_count(0xFFFF'FFFF, 5);
  EXPECT_EQ(word.count_at(5), KeyWord::count_max);
  EXPECT_EQ(word.count_at(6), KeyWord::count_max / 2);
  EXPECT_EQ(word.tier(), Tier::cold);
}

}  // namespace
}  // namespace claimgate::secp
