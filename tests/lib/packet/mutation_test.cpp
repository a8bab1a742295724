// A million frames broken at random from one seed: every one has exactly one outcome, none is read
// behind its end (the sanitizer build watches), and whatever is answered is answered well-formed.
#include <random>

#include "lib/packet/reply.hpp"
#include "lib/packet/responder.hpp"
#include "tests/lib/packet/frames.hpp"

namespace claimgate::packet {
namespace {

using test::Bytes;

std::vector<Bytes> seeds() {
  std::vector<Bytes> out;
  for (const bool v6 : {false, true}) {
    for (const bool vlan : {false, true}) {
      out.push_back(test::claims_frame(v6, vlan, 1));
      out.push_back(test::claims_frame(v6, vlan, 2));
      Bytes query(128);
      query.resize(build_neighbour_query(query, test::endpoints(v6, vlan)));
      out.push_back(query);
      Bytes echo = test::udp_frame(test::endpoints(v6, vlan), 24);
      echo[test::ip_at(echo) + (v6 ? 6 : 9)] = std::byte(v6 ? 58 : 1);
      echo[test::upper_at(echo)] = std::byte(v6 ? 128 : 8);
      echo[test::upper_at(echo) + 1] = std::byte{0};
      test::fix_ip_checksum(echo);
      test::fix_upper_checksum(echo);
      out.push_back(echo);
    }
  }
  return out;
}

// One to four changes, most of them in the headers: a byte, a cut, or stale bytes behind.
Bytes mutated(Bytes frame, std::mt19937_64& random) {
  for (std::uint64_t changes = 1 + random() % 4; changes-- > 0 && !frame.empty();) {
    switch (random() % 8) {
      case 0:
        frame.resize(random() % (frame.size() + 1));
        break;
      case 1:
        frame.resize(frame.size() + random() % 32, std::byte(random()));
        break;
      default:
        frame[random() % std::min<std::size_t>(frame.size(), 96)] = std::byte(random());
    }
  }
  return frame;
}

TEST(Mutation, OfAMillionFramesLeavesEachWithOneOutcomeAndEveryAnswerWellFormed) {
  std::mt19937_64 random(20'260'101);
  const LocalAddresses local = test::ours();
  const auto all = seeds();
  std::array<std::uint64_t, 3> kinds{};
  std::uint64_t answered = 0;
  for (int round = 0; round < 1'000'000; ++round) {
    test::ExactFrame frame(mutated(all[random() % all.size()], random));
    const Checked checked{(random() & 1) != 0, (random() & 2) != 0};
    const auto found = dissect(frame.data(), frame.size(), local, checked);
    ASSERT_EQ(found.kind == Kind::drop, found.drop != Drop::none);
    ++kinds[static_cast<std::size_t>(found.kind)];
    if (found.kind == Kind::claims) {
      const std::size_t length =
          reply_in_place(frame.data(), found, found.claims, local.mac(), Checksum::software);
      ASSERT_LT(length, frame.size());
      const Bytes reply(frame.data(), frame.data() + length);
      ASSERT_TRUE(test::slow_ip_checksum_verifies(reply));
      ASSERT_TRUE(test::slow_upper_checksum_verifies(reply));
    } else if (found.kind == Kind::neighbour) {
      const Answer answer = respond(frame.data(), frame.size(), frame.size(), local);
      ASSERT_EQ(answer.answered == Answered::nothing, answer.drop != Drop::none);
      ASSERT_LE(answer.length, frame.size());
      answered += answer.length != 0 ? 1 : 0;
    }
  }
  // The mutations reach every path: none of these is rare.
  for (const std::uint64_t count : kinds) EXPECT_GT(count, 10'000u);
  EXPECT_GT(answered, 1'000u);
}

}  // namespace
}  // namespace claimgate::packet
