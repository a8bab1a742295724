#include "lib/packet/addresses.hpp"

#include "tests/lib/packet/frames.hpp"

namespace claimgate::packet {
namespace {

Expected<LocalAddresses> parse(std::vector<std::string> cidrs, bool any_address = false) {
  return LocalAddresses::parse(test::our_mac, cidrs, any_address);
}

TEST(MacText, IsReadAndWrittenBothWays) {
  EXPECT_EQ(text(parse_mac("02:00:5E:00:53:aF").value()), "02:00:5e:00:53:af");
  for (const char* wrong :
       {"", "02:00:5e:00:53", "02:00:5e:00:53:01:02", "02:00:5e:00:53:0g", "02-00-5e-00-53-01",
        "002:0:0:0:0:1", ":::::", "2:0:0:0:0:-1", "02:00:00:00:00:01 "}) {
    EXPECT_FALSE(parse_mac(wrong)) << wrong;
  }
}

TEST(IpText, IsReadAndWrittenBothWays) {
  for (const char* right : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "2001:db8::1"}) {
    EXPECT_EQ(text(parse_ip(right).value()), right);
  }
  for (const char* wrong :
       {"", "192.0.2", "192.0.2.256", "2001:db8:::1", "localhost", "1.2.3.4 "}) {
    EXPECT_FALSE(parse_ip(wrong)) << wrong;
  }
  EXPECT_FALSE(parse_ip(std::string_view("1.2.3.4\0", 8)));
}

TEST(LocalAddresses, OwnWhatWasConfiguredAndTheLinkLocalAddressOfTheMac) {
  const auto local = test::ours();
  EXPECT_TRUE(local.owns_v4(test::ip("192.0.2.1").v4));
  EXPECT_TRUE(local.owns_v4(test::ip("198.51.100.7").v4));
  EXPECT_TRUE(local.owns_v6(test::ip("2001:db8::1").v6));
  EXPECT_TRUE(local.owns_v6(test::ip("fe80::ff:fe00:1").v6));
  EXPECT_FALSE(local.owns_v4(test::ip("192.0.2.2").v4));
  EXPECT_FALSE(local.owns_v4(test::ip("0.0.0.0").v4));
  EXPECT_FALSE(local.owns_v6(test::ip("2001:db8::2").v6));
  EXPECT_FALSE(local.owns_v6(test::ip("::").v6));
}

TEST(LocalAddresses, WithoutAnIpv4AddressOwnNoneNotEvenZero) {
  const auto local = parse({"2001:db8::1/64"}).value();
  EXPECT_FALSE(local.owns_v4({0}));
  EXPECT_FALSE(local.accepts_v4({0}));
}

TEST(LocalAddresses, KnowDirectedBroadcastsOfPrefixesUpTo30) {
  const auto local =
      parse({"192.0.2.1/24", "10.1.2.1/30", "198.51.100.7/31", "203.0.113.9"}).value();
  EXPECT_TRUE(local.broadcast_v4(test::ip("255.255.255.255").v4));
  EXPECT_TRUE(local.broadcast_v4(test::ip("192.0.2.255").v4));
  EXPECT_TRUE(local.broadcast_v4(test::ip("10.1.2.3").v4));
  EXPECT_FALSE(local.broadcast_v4(test::ip("10.1.2.255").v4));
  EXPECT_FALSE(local.broadcast_v4(test::ip("198.51.100.7").v4));
  EXPECT_FALSE(local.broadcast_v4(test::ip("203.0.113.9").v4));
}

TEST(LocalAddresses, HoldEightOfAFamilyAndRefuseTheNinth) {
  std::vector<std::string> cidrs;
  for (int i = 1; i <= 8; ++i) {
    cidrs.push_back("10.0.0." + std::to_string(i) + "/24");
    cidrs.push_back("2001:db8::" + std::to_string(i) + "/64");
  }
  const auto local = parse(cidrs).value();
  for (int i = 1; i <= 8; ++i) {
    EXPECT_TRUE(local.owns_v4(test::ip(("10.0.0." + std::to_string(i)).c_str()).v4));
    EXPECT_TRUE(local.owns_v6(test::ip(("2001:db8::" + std::to_string(i)).c_str()).v6));
  }
  EXPECT_FALSE(local.owns_v4(test::ip("10.0.0.9").v4));
  auto more = cidrs;
  more.push_back("10.0.0.9/24");
  EXPECT_FALSE(parse(more));
  more.back() = "2001:db8::9/64";
  EXPECT_FALSE(parse(more));
}

TEST(LocalAddresses, RefuseWhatNoHostCanHave) {
  for (const char* wrong :
       {"224.0.0.1/24", "127.0.0.1/8", "0.0.0.0/8", "255.255.255.255/32", "192.0.2.0/24",
        "192.0.2.255/24", "192.0.2.1/33", "192.0.2.1/0", "192.0.2.1/", "192.0.2.1/2x", "ff02::1/64",
        "::1/128", "::/64", "::ffff:192.0.2.1/128", "2001:db8::1/129", "nowhere"}) {
    const auto refused = parse({wrong});
    ASSERT_FALSE(refused) << wrong;
    EXPECT_FALSE(refused.error().remedy.empty()) << wrong;
  }
  EXPECT_FALSE(parse({"192.0.2.1/24", "192.0.2.1/16"}));
  EXPECT_FALSE(parse({}));
  EXPECT_TRUE(parse({}, true));
  const std::vector<std::string> one = {"192.0.2.1"};
  EXPECT_FALSE(LocalAddresses::parse(broadcast_mac, one, false));
}

TEST(LocalAddresses, WithAnyAddressAcceptEveryUnicastOneAndOwnNoMore) {
  const auto local = test::ours(true);
  for (const char* unicast : {"8.8.8.8", "192.0.2.77"}) {
    EXPECT_TRUE(local.accepts_v4(test::ip(unicast).v4)) << unicast;
    EXPECT_FALSE(local.owns_v4(test::ip(unicast).v4)) << unicast;
  }
  for (const char* other :
       {"224.0.0.1", "127.0.0.1", "0.0.0.0", "255.255.255.255", "192.0.2.255"}) {
    EXPECT_FALSE(local.accepts_v4(test::ip(other).v4)) << other;
  }
  EXPECT_TRUE(local.accepts_v6(test::ip("2001:db8:5::5").v6));
  for (const char* other : {"ff02::1", "::1", "::", "::ffff:1.2.3.4"}) {
    EXPECT_FALSE(local.accepts_v6(test::ip(other).v6)) << other;
  }
}

TEST(Multicast, GroupsFollowRfc4291AndRfc2464) {
  const auto group = solicited_node(test::ip("2001:db8::12:3456").v6);
  EXPECT_EQ(group, test::ip("ff02::1:ff12:3456").v6);
  EXPECT_EQ(text(multicast_mac(group)), "33:33:ff:12:34:56");
  EXPECT_EQ(text(multicast_mac(all_nodes)), "33:33:00:00:00:01");
}

}  // namespace
}  // namespace claimgate::packet
