#include "apps/claimgen/channels.hpp"

#include <set>
#include <sstream>

#include "lib/xrpl/channel_id.hpp"
#include "lib/xrpl/channel_reader.hpp"
#include "lib/xrpl/keys.hpp"
#include "tests/apps/claimgen/stream.hpp"

namespace claimgate::claimgen {
namespace {

std::string answers(const ChannelSet& set) {
  std::string out;
  set.write_answers([&](const std::string& text) { out += text; });
  return out;
}

TEST(Channels, AreTheSameForTheSameSeedAndOthersForAnother) {
  const ChannelOptions options{.seed = 3, .count = 50};
  EXPECT_EQ(answers(make_set(options)), answers(make_set(options)));
  EXPECT_NE(answers(make_set(options)), answers(make_set({.seed = 4, .count = 50})));
}

TEST(Channels, KeepTheirIdentityWhenMoreOfThemAreMade) {
  const ChannelSet few = make_set({.seed = 3, .count = 10});
  const ChannelSet many = make_set({.seed = 3, .count = 30});
  for (std::uint32_t i = 0; i < few.size(); ++i) EXPECT_EQ(few[i].id, many[i].id);
}

TEST(Channels, HaveTheShareOfEd25519KeysThatWasAskedFor) {
  for (const double share : {0.0, 0.1, 0.25, 0.5, 0.9, 1.0}) {
    unsigned ed25519 = 0;
    for (std::uint32_t i = 0; i < 1000; ++i) ed25519 += has_ed25519_key(i, share);
    EXPECT_EQ(ed25519, static_cast<unsigned>(share * 1000 + 0.5)) << share;
  }
}

TEST(Channels, ReadBackThroughTheImportersReaderAsTheyWereMade) {
  const ChannelSet set = make_set({.seed = 5, .count = 1100, .funded_drops = 77'000});
  std::istringstream text(answers(set));
  std::uint32_t at = 0;
  std::vector<bool> markers;
  const xrpl::ChannelSink sink{
      .on_channel = [&](const xrpl::RawChannel& raw) -> Expected<void> {
        EXPECT_EQ(raw.id, set[at].id);
        EXPECT_EQ(raw.key, set[at].keys.ledger_key());
        EXPECT_EQ(raw.key_form, xrpl::KeyForm::present);
        EXPECT_EQ(raw.account, set.source(at));
        EXPECT_EQ(raw.destination, set.destination());
        EXPECT_EQ(raw.amount_drops, 77'000u);
        EXPECT_EQ(raw.balance_drops, 0u);
        EXPECT_EQ(raw.settle_delay_s, 86'400u);
        EXPECT_EQ(raw.id, xrpl::channel_id(raw.account, raw.destination, ChannelSet::sequence(at)));
        const auto key = xrpl::parse_public_key(raw.key);
        EXPECT_TRUE(key && *key == set[at].keys.public_key());
        ++at;
        return {};
      },
      .on_answer = [&](const xrpl::AnswerInfo& answer) -> Expected<void> {
        EXPECT_TRUE(answer.is_validated());
        EXPECT_EQ(answer.ledger_index, ChannelOptions{}.ledger_index);
        markers.push_back(answer.has_marker);
        return {};
      }};
  const auto totals = xrpl::read_channels(text, sink, "answers");
  ASSERT_TRUE(totals) << totals.error().text();
  EXPECT_EQ(totals->channels, 1100u);
  EXPECT_EQ(markers, (std::vector<bool>{true, true, false, false}));
}

TEST(Channels, HaveIdsOfTheirOwnAndHandlesOfTheirOwn) {
  const ChannelSet set = make_set({.seed = 6, .count = 3000});
  std::set<std::uint64_t> handles;
  for (std::uint32_t i = 0; i < set.size(); ++i) handles.insert(set[i].id.handle().value);
  EXPECT_EQ(handles.size(), 3000u);
}

TEST(Channels, GoToTheDestinationThatWasGivenAndRefuseOneThatIsNone) {
  const std::string address = xrpl::address_text(destination_of(99));
  EXPECT_EQ(
      xrpl::address_text(make_set({.seed = 1, .count = 1, .destination = address}).destination()),
      address);
  const auto wrong = ChannelSet::make({.count = 1, .destination = "rWrong"}, 1, never_stop, true);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().text().find("--destination"), std::string::npos);
}

}  // namespace
}  // namespace claimgate::claimgen
