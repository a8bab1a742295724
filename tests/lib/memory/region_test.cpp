#include "lib/memory/region.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

namespace claimgate::memory {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;
constexpr std::array all_pages = {Pages::huge, Pages::transparent, Pages::normal};

long page_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

// Without instrumentation: a sanitizer's own shadow memory has page faults too.
[[gnu::no_sanitize("address", "thread", "undefined")]] void touch(std::byte* base,
                                                                  std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += 4096) base[at] = std::byte{1};
}

TEST(Region, IsZeroFilledWritableAndAtLeastAsLargeAsAsked) {
  for (const Pages want : all_pages) {
    for (const std::size_t bytes :
         {std::size_t{1}, std::size_t{4096}, std::size_t{4097}, 3 * mib}) {
      const auto region = Region::map(bytes, want);
      ASSERT_TRUE(region) << region.error().text();
      ASSERT_GE(region->size(), bytes);
      EXPECT_GE(region->pages(), want);
      EXPECT_TRUE(std::all_of(region->bytes(), region->bytes() + region->size(),
                              [](std::byte byte) { return byte == std::byte{0}; }));
      std::memset(region->bytes(), 0xA5, region->size());
    }
  }
}

TEST(Region, IsAlignedToTheHugePagesItAskedFor) {
  for (const Pages want : all_pages) {
    const auto region = Region::map(5 * mib, want);
    ASSERT_TRUE(region);
    const std::size_t unit = region->pages() == Pages::normal ? 4096 : 2 * mib;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(region->bytes()) % unit, 0u);
    EXPECT_EQ(region->size() % unit, 0u);
    std::printf("asked for %s pages, had %s\n", std::string(name(want)).c_str(),
                std::string(name(region->pages())).c_str());
  }
}

TEST(Region, CostsNoPageFaultOnceMapped) {
  for (const Pages want : all_pages) {
    const auto region = Region::map(16 * mib, want);
    ASSERT_TRUE(region);
    const long before = page_faults();
    touch(region->bytes(), region->size());
    // 4096 normal pages; a few faults may come from elsewhere in this executable.
    EXPECT_LT(page_faults() - before, 8) << name(region->pages());
  }
}

TEST(Region, FallsBackWhereHugePagesRunOut) {
  std::size_t pool_pages = 0;
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    std::sscanf(line.c_str(), "HugePages_Total: %zu", &pool_pages);
  }
  const std::size_t bytes = (pool_pages + 1) * 2 * mib;  // one more than there are
  if (bytes > 1024 * mib) {
    std::printf(
        "NOT RUN: Region.FallsBackWhereHugePagesRunOut: a pool of %zu huge pages is too "
        "large to outgrow in a test\n",
        pool_pages);
    return;
  }
  const auto region = Region::map(bytes, Pages::huge);
  ASSERT_TRUE(region) << region.error().text();
  EXPECT_NE(region->pages(), Pages::huge);
}

TEST(Region, MovesAndUnmapsOnce) {
  auto first = Region::map(mib, Pages::normal);
  ASSERT_TRUE(first);
  std::byte* const base = first->bytes();
  Region second = std::move(*first);
  EXPECT_EQ(first->bytes(), nullptr);
  EXPECT_EQ(second.bytes(), base);
  Region third;
  third = std::move(second);
  EXPECT_EQ(second.bytes(), nullptr);  // NOLINT: what a moved-from region says is its contract
  EXPECT_EQ(third.bytes(), base);
  Region& alias = third;
  third = std::move(alias);
  EXPECT_EQ(third.bytes(), base);
  base[0] = std::byte{1};
}

TEST(Region, LeavesNothingMappedBehind) {
  const auto mapped_pages = [] {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages;
  };
  for (const Pages want : all_pages) {
    { const auto warm_up = Region::map(8 * mib, want); }
    const std::size_t before = mapped_pages();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(Region::map(8 * mib, want));
    EXPECT_LE(mapped_pages(), before + 16) << name(want);
  }
}

TEST(Region, RefusesWhatCannotBeHadAndSaysHowMuchWasAsked) {
  EXPECT_FALSE(Region::map(0, Pages::normal));
  EXPECT_FALSE(Region::map(~std::size_t{0}, Pages::huge));
  for (const Pages want : all_pages) {
    const auto region = Region::map(std::size_t{1} << 46, want);  // 64 TiB
    ASSERT_FALSE(region);
    EXPECT_NE(region.error().what.find("67108864.0 MiB"), std::string::npos)
        << region.error().text();
    EXPECT_FALSE(region.error().remedy.empty());
  }
}

}  // namespace
}  // namespace claimgate::memory
