#include "lib/packet/drop.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace claimgate::packet {
namespace {

TEST(DropNames, AreDistinctPrometheusLabelValues) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < drop_count; ++i) {
    const std::string_view each = name(static_cast<Drop>(i));
    EXPECT_TRUE(seen.insert(each).second) << each;
    EXPECT_EQ(each.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), each.npos) << each;
    EXPECT_FALSE(each.empty());
  }
  EXPECT_EQ(name(static_cast<Drop>(drop_count)), "?");
}

TEST(DropNames, StandWhereTheEnumeratorsStand) {
  EXPECT_EQ(name(Drop::none), "none");
  EXPECT_EQ(name(Drop::ip_options), "ip_options");
  EXPECT_EQ(name(Drop::udp6_checksum_zero), "udp6_checksum_zero");
  EXPECT_EQ(name(Drop::source_ourselves), "source_ourselves");
  EXPECT_EQ(name(Drop::payload_size), "payload_size");
  EXPECT_EQ(name(Drop::arp_malformed), "arp_malformed");
  EXPECT_EQ(name(Drop::icmp_unhandled), "icmp_unhandled");
  EXPECT_EQ(name(Drop::answer_no_room), "answer_no_room");
}

TEST(DropNames, EachHaveARowInTheFormatDocument) {
  std::ifstream file(CLAIMGATE_SOURCE_ROOT "/lib/wire/FORMAT.md");
  ASSERT_TRUE(file.is_open());
  std::stringstream text;
  text << file.rdbuf();
  for (std::size_t i = 1; i < drop_count; ++i) {
    const std::string row = "| `" + std::string(name(static_cast<Drop>(i))) + "` |";
    EXPECT_NE(text.str().find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace claimgate::packet
