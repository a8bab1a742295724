#include "apps/claimgen/plan.hpp"

#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>

#include "lib/xrpl/signature.hpp"
#include "tests/apps/claimgen/stream.hpp"

namespace claimgate::claimgen {
namespace {

using wire::Code;

// The appliance as PROTOCOL states it, over one claim at a time and a std::map: the specification
// that a plan's expected codes are held against. It verifies with libsecp256k1 and libsodium.
class Model {
 public:
  explicit Model(const ChannelSet& set) {
    for (std::uint32_t i = 0; i < set.size(); ++i) {
      channels_[set[i].id.handle().value] = {&set[i], set.options().funded_drops, 0, {}};
    }
  }
  Code decide(const std::byte* bytes) {
    const wire::ClaimFrame frame(bytes);
    if (frame.malformed()) return Code::malformed;
    const auto at = channels_.find(frame.handle().value);
    if (at == channels_.end()) return Code::unknown_channel;
    auto& [channel, funded, held, signature] = at->second;
    const std::uint64_t amount = frame.amount().value;
    if (amount > funded) return Code::over_funds;
    if (amount < held) return Code::stale;
    const bool same = std::equal(signature.begin(), signature.end(), frame.signature());
    if (amount == held && same) return Code::duplicate;
    if (!signing::verifies(channel->keys.public_key(), channel->id, {amount}, frame.signature())) {
      return Code::bad_signature;
    }
    if (amount == held) return Code::duplicate;
    held = amount;
    std::copy_n(frame.signature(), signature.size(), signature.begin());
    return Code::accepted;
  }
  [[nodiscard]] std::uint64_t held(const Channel& channel) const {
    return channels_.at(channel.id.handle().value).held;
  }

 private:
  struct Entry {
    const Channel* channel;
    std::uint64_t funded;
    std::uint64_t held;
    signing::Signature signature;
  };
  std::map<std::uint64_t, Entry> channels_;
};

class Choices : public testing::TestWithParam<const char*> {};

TEST_P(Choices, ExpectOfEveryClaimWhatAModelOfTheProtocolDecides) {
  const auto stream = make_stream(
      11, 40, 4000,
      "good=30,duplicate=10,stale=10,bad-signature=10,high-s=10,over-funds=10,unknown=10,"
      "malformed=10",
      ChoiceOptions::parse(GetParam()).value());
  Model model(stream->set);
  for (std::size_t i = 0; i < stream->plan.claims.size(); ++i) {
    const std::byte* frame = stream->frames.data() + i * wire::claim_bytes;
    EXPECT_EQ(wire::name(model.decide(frame)), wire::name(stream->plan.claims[i].expected))
        << "claim " << i << ", " << name(stream->plan.claims[i].kind);
    EXPECT_EQ(wire::ClaimFrame(frame).sequence(), i);
  }
  for (std::uint32_t i = 0; i < stream->set.size(); ++i) {
    EXPECT_EQ(model.held(stream->set[i]), stream->plan.finals[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Plan, Choices, testing::Values("uniform", "zipf", "zipf:3"));

TEST(Plan, ChoosesTheChannelsOfEveryKindByZipfsLaw) {
  constexpr std::uint32_t channels = 100, claims = 80'000;
  const PlanOptions options{
      .seed = 3,
      .claims = claims,
      .mix = Mix::parse("good=1,duplicate=1,stale=1,bad-signature=1,high-s=1,over-funds=1,"
                        "unknown=1,malformed=1")
                 .value(),
      .channel_choice = {.zipf_exponent = 1}};
  const Plan plan = make(options, {.seed = 3, .count = channels});
  const ChannelChoice choice(options.channel_choice, channels, options.seed);
  std::array<std::map<std::uint32_t, double>, kind_count> of_channel;
  for (const PlannedClaim& claim : plan.claims) {
    ++of_channel[static_cast<std::size_t>(claim.kind)][claim.channel];
  }
  double harmonic = 0;
  for (unsigned k = 1; k <= channels; ++k) harmonic += 1.0 / k;
  for (std::size_t kind = 0; kind < kind_count; ++kind) {
    for (const unsigned rank : {0u, 1u, 9u, 49u}) {
      const double wanted = plan.of_kind[kind] / harmonic / (rank + 1);
      EXPECT_NEAR(of_channel[kind][choice.channel_of(rank)], wanted, 5 * std::sqrt(wanted))
          << kind_names[kind] << " " << rank;
    }
  }
}

TEST(Plan, IsTheSameToTheBitForTheSameSeedAndAnotherForAnother) {
  const auto once = make_stream(12, 20, 500), again = make_stream(12, 20, 500);
  EXPECT_EQ(once->frames, again->frames);
  EXPECT_EQ(once->plan.datagrams, again->plan.datagrams);
  EXPECT_NE(once->frames, make_stream(13, 20, 500)->frames);
}

TEST(Plan, HasTheSharesThatTheMixNames) {
  const PlanOptions options{.seed = 1, .claims = 100'000, .mix = Mix::parse(default_mix).value()};
  const Plan plan = make(options, {.seed = 1, .count = 1000});
  for (std::size_t kind = 0; kind < kind_count; ++kind) {
    const double wanted = 1000.0 * options.mix.weights[kind];
    const double spread = 5 * std::sqrt(wanted);  // five standard deviations at the most
    EXPECT_NEAR(static_cast<double>(plan.of_kind[kind]), wanted, spread) << kind_names[kind];
  }
  EXPECT_EQ(std::accumulate(plan.of_kind.begin(), plan.of_kind.end(), 0u), 100'000u);
}

TEST(Plan, SendsDuplicatesWithTheSameAndWithOtherSignatureBytes) {
  const auto stream = make_stream(14, 5, 2000, "good=1,duplicate=1");
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::set<std::vector<std::byte>>> signatures;
  bool others[2] = {false, false};  // by key type: Ed25519 has no second signature
  for (std::size_t i = 0; i < stream->plan.claims.size(); ++i) {
    const auto& claim = stream->plan.claims[i];
    const std::byte* at = stream->frames.data() + i * wire::claim_bytes + 21;
    auto& seen = signatures[{claim.channel, claim.amount}];
    seen.insert(std::vector<std::byte>(at, at + 64));
    if (seen.size() > 1) {
      others[stream->set[claim.channel].keys.type() == channel::KeyType::ed25519] = true;
    }
  }
  EXPECT_TRUE(others[0]);
  EXPECT_FALSE(others[1]);
}

TEST(Plan, MakesHighSClaimsThatOnlyALenientVerifierWouldTake) {
  const auto stream = make_stream(15, 6, 400, "good=1,high-s=1");
  for (std::size_t i = 0; i < stream->plan.claims.size(); ++i) {
    const auto& claim = stream->plan.claims[i];
    const Channel& channel = stream->set[claim.channel];
    if (claim.kind != Kind::high_s || channel.keys.type() != channel::KeyType::secp256k1) continue;
    const std::byte* signature = stream->frames.data() + i * wire::claim_bytes + 21;
    EXPECT_FALSE(xrpl::is_low_s(signature));
    signing::Signature bytes;
    std::copy_n(signature, bytes.size(), bytes.begin());
    const auto low = signing::non_canonical(bytes, channel::KeyType::secp256k1);
    EXPECT_TRUE(
        signing::verifies(channel.keys.public_key(), channel.id, {claim.amount}, low.data()));
  }
}

TEST(Plan, FillsDatagramsWithTheNumberAskedForOrWithAMixture) {
  for (unsigned n = 1; n <= wire::claims_per_datagram_max; ++n) {
    const PlanOptions options{
        .claims = 1000, .claims_per_datagram = n, .mix = Mix::parse("good=1").value()};
    const Plan plan = make(options, {.count = 10});
    EXPECT_EQ(std::accumulate(plan.datagrams.begin(), plan.datagrams.end(), 0u), 1000u);
    for (std::size_t i = 0; i + 1 < plan.datagrams.size(); ++i) EXPECT_EQ(plan.datagrams[i], n);
  }
  const Plan mixed = make({.claims = 20'000, .mix = Mix::parse("good=1").value()}, {.count = 10});
  std::map<unsigned, unsigned> sizes;
  for (const unsigned n : mixed.datagrams) ++sizes[n];
  EXPECT_EQ(sizes.size(), wire::claims_per_datagram_max);
  EXPECT_EQ(sizes.begin()->first, 1u);
  EXPECT_EQ(sizes.rbegin()->first, wire::claims_per_datagram_max);
}

TEST(Plan, SaysSoWhenTheFundsDoNotLast) {
  const PlanOptions options{.claims = 10'000, .mix = Mix::parse("good=1").value()};
  const auto plan = make_plan(options, {.count = 2, .funded_drops = 5000});
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().text().find("--funded"), std::string::npos);
}

TEST(Plan, DoesNotTakeAnotherChannelWhereAHotOnesFundsAreUsedUp) {
  const PlanOptions options{
      .claims = 2000, .mix = Mix::parse("good=1").value(), .channel_choice = {.zipf_exponent = 2}};
  const auto plan = make_plan(options, {.count = 1000, .funded_drops = 100'000});
  ASSERT_FALSE(plan) << "1200 claims of 500 drops each fell on one channel of 100,000";
  EXPECT_NE(plan.error().text().find("hot channel"), std::string::npos);
  EXPECT_TRUE(make_plan(options, {.count = 1000, .funded_drops = 2'000'000}));
}

TEST(Mix, ReadsSharesAndRefusesWhatIsNone) {
  const auto mix = Mix::parse("good=3,high-s=2");
  ASSERT_TRUE(mix);
  EXPECT_EQ(mix->weights[0], 3u);
  EXPECT_EQ(mix->weights[static_cast<std::size_t>(Kind::high_s)], 2u);
  EXPECT_EQ(mix->weights[static_cast<std::size_t>(Kind::stale)], 0u);
  for (const char* wrong : {"", "good", "good=", "good=-1", "good=1x", "good=1,good=2", "best=1",
                            "stale=1", "good=0", "good=1000001", "good=1,,stale=1"}) {
    EXPECT_FALSE(Mix::parse(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace claimgate::claimgen
