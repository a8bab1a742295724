// The worker against a model that anyone can check by reading: a std::map and one claim at a time,
// verified by verify::Reference. Streams follow from seeds; a failure prints its seed.
//
// Claims count in arrival order, commands and the clock's moves between them. A claim that is still
// in flight when a command is executed comes after it ("removal first", DESIGN.md): the test reads
// off the tickets which ones are decided already. Everything else must agree exactly.
//
// A worker that coalesces is held to the same model. Where it says COVERED, the model, which
// examines everything, must say ACCEPTED or BAD_SIGNATURE, or what rests on such a claim that the
// worker has not examined; and a higher claim of the channel, behind it, must be ACCEPTED in the
// same breath. Every other verdict must agree exactly, and so must the tables at the end.
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <tuple>

#include "lib/xrpl/message.hpp"
#include "tests/src/pipeline/slow_engine.hpp"
#include "tests/src/pipeline/stand.hpp"

namespace claimgate::pipeline {
namespace {

using wire::Code;

struct ModelChannel {
  channel::ChannelTerms terms;
  std::uint64_t held = 0;
  std::vector<std::byte> signature;
};

class Model {
 public:
  channel::LedgerTime now = 0;
  std::map<std::uint64_t, ModelChannel> channels;

  Code claim(const ClaimBytes& bytes) {
    const wire::ClaimFrame frame(bytes.data());
    const std::uint64_t amount = frame.amount().value;
    if (frame.type() != 1 || amount == 0 || amount > 100'000'000'000'000'000) {
      return Code::malformed;
    }
    const auto found = channels.find(frame.handle().value);
    if (found == channels.end()) return Code::unknown_channel;
    ModelChannel& channel = found->second;
    if (now >= channel.terms.valid_until) return Code::closed;
    if (amount > channel.terms.funded.value) return Code::over_funds;
    if (amount < channel.held) return Code::stale;
    if (amount != channel.held && amount <= channel.terms.balance.value) return Code::stale;
    if (!verifies(channel.terms, frame)) return Code::bad_signature;
    if (amount == channel.held) return Code::duplicate;
    channel.held = amount;
    channel.signature.assign(frame.signature(), frame.signature() + wire::signature_bytes);
    return Code::accepted;
  }

  // What a claim must exceed to be worth anything new.
  [[nodiscard]] std::uint64_t floor(std::uint64_t handle) const {
    const auto found = channels.find(handle);
    if (found == channels.end()) return 0;
    return std::max(found->second.held, found->second.terms.balance.value);
  }

  void command(const Command& command) {
    const auto handle = command.terms.id.handle().value;
    if (command.verb == Command::Verb::remove) channels.erase(handle);
    if (command.verb != Command::Verb::apply) return;
    auto [at, added] = channels.try_emplace(handle, ModelChannel{.terms = command.terms});
    if (added) return;
    auto& terms = at->second.terms;
    const auto funded = std::max(terms.funded, command.terms.funded);
    const auto balance = std::max(terms.balance, command.terms.balance);
    const bool same_ledger = command.terms.ledger_index == terms.ledger_index;
    const auto valid_until = std::min(terms.valid_until, command.terms.valid_until);
    if (command.terms.ledger_index >= terms.ledger_index) terms = command.terms;
    if (same_ledger) terms.valid_until = valid_until;
    terms.funded = funded;
    terms.balance = balance;
  }

 private:
  // Remembers what it has verified once: streams draw from a small stock of claims.
  bool verifies(const channel::ChannelTerms& terms, const wire::ClaimFrame& frame) {
    const auto message = xrpl::claim_message(terms.id, frame.amount());
    std::string all(reinterpret_cast<const char*>(message.data()), message.size());
    all.append(reinterpret_cast<const char*>(frame.signature()), wire::signature_bytes);
    const auto [at, fresh] = known_.try_emplace(std::move(all), false);
    if (fresh) {
      std::array<std::byte, digest::digest_bytes> hash;
      digester_.digest(std::array{digest::Job{message.data(), hash.data()}});
      at->second = reference_.verify({.signature = frame.signature(),
                                      .key = terms.key.bytes.data(),
                                      .digest = hash.data(),
                                      .message = message.data(),
                                      .type = terms.key.type});
    }
    return at->second;
  }
  static std::map<std::string, bool> known_;
  verify::Reference reference_ = need(verify::Reference::create());
  digest::Digester digester_ = need(digest::Digester::create());
};
std::map<std::string, bool> Model::known_;

constexpr unsigned channels_max = 4;
constexpr std::uint64_t amounts_max = 40;
constexpr channel::LedgerTime start_second = 800'000'000;

// A stock of claims, signed once: few channels and amounts, so that they meet often.
struct Stock {
  std::vector<Payer> payers;
  std::map<std::tuple<unsigned, std::uint64_t, std::uint32_t>, ClaimBytes> claims;

  Stock() {
    for (unsigned i = 0; i < channels_max; ++i) {
      payers.push_back(make_payer(i + 1, i % 2 ? KeyType::ed25519 : KeyType::secp256k1));
      for (std::uint64_t amount = 1; amount <= amounts_max; ++amount) {
        for (std::uint32_t nonce = 0; nonce < 2; ++nonce) {
          claims[{i, amount, nonce}] = good_claim(payers[i], amount, nonce);
        }
      }
    }
  }
};
const Stock& stock() {
  static const Stock made;
  return made;
}

struct Circumstances {
  bool eventful = true;  // channels come and go and time passes while claims are in flight
  bool crowded = false;  // all channels meet in one place of the claim ring's index of chains
};

template <class Journal, class Engine>
class Comparison {
 public:
  Comparison(std::uint64_t seed, const WorkerOptions& options, const Circumstances& circumstances)
      : random_(seed),
        stand_(options, 128),
        busy_allowed_(options.claims_in_flight_max < 64),
        eventful_(circumstances.eventful) {
    if (circumstances.crowded) leave_slots_apart(options.claims_in_flight_max);
    stand_.clock.ledger = model_.now = start_second;
    if constexpr (std::is_same_v<Journal, GatedJournal>) stand_.journal.room = 1 + draw(40);
    stand_.mailbox.before_taking = [this](const Command& command) {
      follow();
      model_.command(command);
    };
    for (unsigned i = 0; i < channels_max; ++i) {
      if (draw(4) > 0) post(provision(i));
    }
    stand_.turn();
  }

  void run(unsigned datagrams) {
    for (unsigned sent = 0; sent < datagrams && !testing::Test::HasFailure();) {
      for (std::uint64_t n = draw(4); n > 0; --n, ++sent) send();
      if (eventful_ && draw(8) == 0) post(command());
      if (eventful_ && draw(12) == 0) advance_clock();
      if constexpr (std::is_same_v<Journal, GatedJournal>) {
        if (draw(3) == 0)
          stand_.journal.durable += draw(stand_.journal.last + 1 - stand_.journal.durable);
      }
      if (draw(20) == 0) {
        stand_.settle();
      } else {
        for (std::uint64_t turns = draw(6); turns > 0; --turns) stand_.turn();
      }
    }
    stand_.settle();
    if constexpr (std::is_same_v<Journal, GatedJournal>) {
      stand_.journal.durable = stand_.journal.last;
      stand_.settle();
    }
    follow();
    EXPECT_EQ(followed_, stream_.size()) << "claims without a verdict";
    compare_replies();
    compare_tables();
  }

  [[nodiscard]] const Stats& stats() const { return stand_.stats; }
  [[nodiscard]] std::uint64_t examined() const { return stand_.examined(); }

 private:
  // Claims that were COVERED, until the claim they rest on is met.
  struct Group {
    std::uint64_t floor;    // of the channel when its first was met
    std::uint64_t highest;  // of those covered
  };
  struct Sent {
    SimulatedPort::Frame* datagram;
    unsigned position;
    ClaimBytes bytes;
    bool followed = false;
    Code code = undecided;  // the model's, or BUSY
  };

  // Leaves only slots free whose numbers are multiples of `distance`, one for each channel.
  void leave_slots_apart(unsigned distance) {
    static const std::vector<Payer> strangers = [] {
      std::vector<Payer> made;
      for (unsigned i = 0; i < 128; ++i) made.push_back(make_payer(1'000 + i));
      return made;
    }();
    std::vector<channel::ChannelTerms> leaving;
    for (const Payer& stranger : strangers) {
      const auto slot = stand_.table.apply(stranger.terms, ++incarnation_).slot;
      if (slot % distance == 0 && slot / distance < channels_max) {
        leaving.push_back(stranger.terms);
      }
    }
    for (const auto& terms : leaving) stand_.table.remove(terms.id);
    strangers_ = stand_.table.size();
    EXPECT_EQ(leaving.size(), channels_max);
  }

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }

  ClaimBytes claim() {
    const auto channel = static_cast<unsigned>(draw(channels_max));
    // Amounts drift upwards, so that streams stay interesting to their end.
    drift_ = std::min(amounts_max, drift_ + (draw(12) == 0 ? 1 : 0));
    const std::uint64_t amount = std::clamp<std::uint64_t>(
        drift_ + draw(7) - std::min<std::uint64_t>(3, drift_ - 1), 1, amounts_max);
    ClaimBytes bytes = stock().claims.at({channel, amount, static_cast<std::uint32_t>(draw(2))});
    wire::store_be(bytes.data() + wire::offset::sequence, static_cast<std::uint32_t>(random_()));
    wire::store_be(bytes.data() + wire::offset::claim_timestamp, random_());
    switch (draw(14)) {
      case 0:
        bytes[wire::offset::claim_signature + draw(64)] ^= std::byte{4};
        break;
      case 1:
        wire::store_be(bytes.data() + wire::offset::amount, amount + 1);
        break;
      case 2:
        wire::store_be(bytes.data() + wire::offset::handle, random_());
        break;
      case 3:
        bytes[0] = static_cast<std::byte>(random_());
        break;
      case 4:
        wire::store_be(bytes.data() + wire::offset::amount, random_());
        break;
      default:
        break;
    }
    return bytes;
  }

  void send() {
    static constexpr std::array<unsigned, 5> sizes = {1, 1, 2, 7, 15};
    std::vector<ClaimBytes> claims;
    for (unsigned n = sizes[draw(sizes.size())]; n > 0; --n) {
      claims.push_back(!claims.empty() && draw(5) == 0 ? claims[draw(claims.size())] : claim());
    }
    auto& datagram = stand_.deliver(claims);
    for (unsigned i = 0; i < claims.size(); ++i) stream_.push_back({&datagram, i, claims[i]});
  }

  Command provision(unsigned channel) {
    Command made{.verb = Command::Verb::apply,
                 .terms = stock().payers[channel].terms,
                 .incarnation = ++incarnation_};
    made.terms.funded = {drift_ + draw(15)};
    made.terms.balance = {draw(3) == 0 ? draw(drift_ + 1) : 0};
    made.terms.valid_until = static_cast<channel::LedgerTime>(stand_.clock.ledger + draw(60));
    made.terms.ledger_index = static_cast<std::uint32_t>(100 + draw(20));
    return made;
  }
  Command command() {
    const auto channel = static_cast<unsigned>(draw(channels_max));
    if (draw(3) == 0) {
      return {.verb = Command::Verb::remove, .terms = {.id = stock().payers[channel].terms.id}};
    }
    return provision(channel);
  }
  void post(const Command& command) {
    commands_.push_back(std::make_unique<Command>(command));
    stand_.mailbox.post(commands_.back().get());
  }
  void advance_clock() {
    follow();
    stand_.clock.ledger += static_cast<channel::LedgerTime>(draw(10));
    model_.now = stand_.clock.ledger;
  }

  // Tells the model of every claim that the worker has decided by now, in arrival order.
  void follow() {
    for (std::size_t at = first_open_; at < stream_.size(); ++at) {
      Sent& sent = stream_[at];
      if (sent.followed) continue;
      if (sent.datagram->place == SimulatedPort::Place::waiting) break;
      const Code decided = sent.datagram->codes[sent.position];
      if (decided == undecided) continue;
      sent.followed = true;
      ++followed_;
      if (decided == Code::busy && busy_allowed_) {
        sent.code = Code::busy;  // nothing changed: the model is not asked
      } else {
        sent.code = judge(sent.bytes, decided);
      }
      EXPECT_EQ(decided, sent.code) << "claim " << at;
    }
    EXPECT_TRUE(covered_.empty()) << "covered by nothing";
    while (first_open_ < stream_.size() && stream_[first_open_].followed) ++first_open_;
  }

  // What `decided` has to be.
  Code judge(const ClaimBytes& bytes, Code decided) {
    const wire::ClaimFrame frame(bytes.data());
    const std::uint64_t handle = frame.handle().value, amount = frame.amount().value;
    const std::uint64_t floor = model_.floor(handle);
    const Code strict = model_.claim(bytes);
    const auto open = covered_.find(handle);
    if (decided == Code::covered) {
      const bool first = open == covered_.end();
      Group& group = first ? covered_[handle] = {floor, amount} : open->second;
      group.highest = std::max(group.highest, amount);
      EXPECT_GT(amount, group.floor) << "its verdict rests on what was examined";
      const bool may_be = strict == Code::accepted || strict == Code::bad_signature ||
                          (!first && (strict == Code::stale || strict == Code::duplicate));
      return may_be ? Code::covered : strict;
    }
    if (open == covered_.end()) return strict;
    if (strict == Code::stale) {
      EXPECT_LE(amount, open->second.floor) << "STALE by an unexamined one";
    }
    EXPECT_NE(strict, Code::duplicate) << "coalesced past it";
    if (strict == Code::accepted) {
      EXPECT_GT(amount, open->second.highest);
      covered_.erase(open);
    }
    return strict;
  }

  void compare_replies() {
    for (const Sent& sent : stream_) {
      if (testing::Test::HasFailure()) return;
      const auto verdicts = stand_.verdicts_of(*sent.datagram);
      ASSERT_GT(verdicts.size(), sent.position);
      const auto& verdict = verdicts[sent.position];
      const wire::ClaimFrame claim(sent.bytes.data());
      EXPECT_EQ(verdict.code, sent.code);
      EXPECT_EQ(verdict.handle, claim.handle());
      EXPECT_EQ(verdict.amount, claim.amount());
      EXPECT_EQ(verdict.sequence, claim.sequence());
    }
  }

  void compare_tables() {
    EXPECT_EQ(stand_.table.size(), model_.channels.size() + strangers_);
    for (const auto& [handle, expected] : model_.channels) {
      const auto at = stand_.table.find({handle}, stand_.table.hash({handle}), channel::no_slot);
      ASSERT_NE(at, channel::no_slot);
      const auto seen = stand_.table.view(at);
      ASSERT_TRUE(seen);
      EXPECT_EQ(seen->held.value, expected.held);
      EXPECT_EQ(seen->terms.funded, expected.terms.funded);
      EXPECT_EQ(seen->terms.balance, expected.terms.balance);
      EXPECT_EQ(seen->terms.valid_until, expected.terms.valid_until);
      if (expected.held > 0) {
        EXPECT_TRUE(std::ranges::equal(seen->signature, expected.signature));
      }
    }
  }

  std::mt19937_64 random_;
  Stand<Journal, Engine> stand_;
  Model model_;
  const bool busy_allowed_, eventful_;
  std::map<std::uint64_t, Group> covered_;  // by handle
  std::vector<Sent> stream_;
  std::vector<std::unique_ptr<Command>> commands_;
  std::size_t first_open_ = 0;
  std::size_t followed_ = 0;
  std::uint64_t drift_ = 1;
  std::uint32_t incarnation_ = 0;
  std::uint32_t strangers_ = 0;  // channels nobody claims for
};

constexpr unsigned seeds = 200;
constexpr unsigned datagrams_per_seed = 60;  // some 300 claims

// Runs every seed; says how often each code was seen, and that each was.
template <class Journal, class Engine = OneByOne>
void compare(const WorkerOptions& options, const std::vector<Code>& must_occur,
             const Circumstances& circumstances = {}) {
  std::map<Code, std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto comparison = std::make_unique<Comparison<Journal, Engine>>(seed, options, circumstances);
    comparison->run(datagrams_per_seed);
    if (testing::Test::HasFailure()) return;
    for (std::size_t code = 0; code < wire::code_count; ++code) {
      seen[static_cast<Code>(code)] += comparison->stats().verdicts[code].value();
    }
  }
  for (const Code code : must_occur) EXPECT_GT(seen[code], 300U) << wire::name(code);
  if (!options.rules.coalesce) {
    EXPECT_EQ(seen[Code::covered], 0U);
  }
}

const std::vector<Code> all_but_busy = {
    Code::accepted,      Code::duplicate,  Code::stale,  Code::unknown_channel,
    Code::bad_signature, Code::over_funds, Code::closed, Code::malformed};

std::vector<Code> all_but_busy_and(std::vector<Code> others) {
  others.insert(others.end(), all_but_busy.begin(), all_but_busy.end());
  return others;
}

TEST(Model, AgreesExactlyOnRandomStreamsWithProvisioningInBetween) {
  compare<PromptJournal>({}, all_but_busy);
}

TEST(Model, AgreesWhereThePayloadIsNotCopied) {
  compare<PromptJournal>({.rules = {.copy_payloads = false}}, all_but_busy);
}

TEST(Model, AgreesWhereReadyRepliesWaitForAJournalThatFillsUp) {
  compare<GatedJournal>({.claims_in_flight_max = 32}, all_but_busy_and({Code::busy}));
}

TEST(Model, AgreesWhereTheClaimRingIsSmall) {
  compare<PromptJournal>({.claims_in_flight_max = 2}, {Code::accepted, Code::busy, Code::stale});
}

TEST(Model, AgreesWithAnEngineOfManyLanesThatAnswersLate) {
  compare<PromptJournal, SlowEngine>({}, all_but_busy);
}

// ---- coalescing --------------------------------------------------------------------------------

constexpr Rules coalescing{.coalesce = true};

TEST(ModelOfCoalescing, AgreesOnRandomStreamsWithProvisioningInBetween) {
  compare<PromptJournal>({.rules = coalescing}, all_but_busy_and({Code::covered}));
}

TEST(ModelOfCoalescing, AgreesWhereReadyRepliesWaitForAJournalThatFillsUp) {
  compare<GatedJournal>({.rules = coalescing, .claims_in_flight_max = 32},
                        all_but_busy_and({Code::busy, Code::covered}));
}

TEST(ModelOfCoalescing, AgreesWhereTheClaimRingIsSmall) {
  compare<PromptJournal>({.rules = coalescing, .claims_in_flight_max = 2},
                         {Code::accepted, Code::busy, Code::stale});
}

TEST(ModelOfCoalescing, AgreesWhereChainsAreForgotten) {
  compare<PromptJournal, SlowEngine>({.rules = coalescing, .claims_in_flight_max = 32},
                                     all_but_busy_and({Code::covered}), {.crowded = true});
}

TEST(ModelOfCoalescing, AgreesWithAnEngineOfManyLanesThatAnswersLate) {
  compare<PromptJournal, SlowEngine>({.rules = coalescing}, all_but_busy_and({Code::covered}));
}

TEST(ModelOfCoalescing, AgreesWithSuchAnEngineAndAJournalThatFillsUp) {
  compare<GatedJournal, SlowEngine>({.rules = coalescing, .claims_in_flight_max = 32},
                                    all_but_busy_and({Code::busy, Code::covered}));
}

TEST(ModelOfCoalescing, NeverExaminesMoreThanAStrictSequence) {
  std::uint64_t strict = 0, coalesced = 0;
  for (std::uint64_t seed = 0; seed < seeds && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto examined = [&](const Rules& rules) {
      Comparison<PromptJournal, OneByOne> comparison(seed, {.rules = rules}, {.eventful = false});
      comparison.run(datagrams_per_seed);
      return comparison.examined();
    };
    const auto with = examined(coalescing), without = examined({});
    EXPECT_LE(with, without);
    coalesced += with;
    strict += without;
  }
  EXPECT_LT(coalesced, strict - strict / 10);
}

}  // namespace
}  // namespace claimgate::pipeline
