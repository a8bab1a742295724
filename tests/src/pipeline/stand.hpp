// A worker on its test stand: the real table, digester and verifier; port, clock, mailbox and
// journal under the test's control. After every turn the accounting equations of stats.hpp and the
// balance of journal reservations must hold. One thread.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "src/pipeline/worker.hpp"
#include "tests/src/pipeline/claims.hpp"
#include "tests/src/pipeline/one_by_one.hpp"
#include "tests/src/pipeline/simulated_port.hpp"
#include "tests/src/pipeline/surroundings.hpp"

namespace claimgate::pipeline {

template <class T>
T need(Expected<T> got) {
  if (got) return std::move(*got);
  ADD_FAILURE() << got.error().text();
  std::abort();
}

inline packet::LocalAddresses appliance_addresses() {
  return need(packet::LocalAddresses::parse(
      packet::Mac{{2, 0, 0, 0, 0, 1}}, std::array<std::string, 2>{"10.93.0.1/24", "fd93::1/64"},
      false));
}

// The equations, true between any two turns.
inline void expect_accounts_to_balance(const Stats& stats) {
  std::uint64_t outcomes = stats.datagrams_answered.value() + stats.neighbours_answered.value() +
                           stats.datagrams_silenced.value() + stats.transmit_failed.value() +
                           stats.datagrams_held.value();
  for (const auto& dropped : stats.dropped) outcomes += dropped.value();
  EXPECT_EQ(stats.datagrams_received.value(), outcomes);
  std::uint64_t verdicts = stats.claims_in_flight.value();
  for (const auto& verdict : stats.verdicts) verdicts += verdict.value();
  EXPECT_EQ(stats.claims_parsed.value(), verdicts);
}

template <class Journal = PromptJournal, class Engine = OneByOne>
class Stand {
 public:
  using TestedWorker = Worker<SimulatedPort, Journal, TestClock, TestMailbox, NoProbe, Engine>;

  explicit Stand(const WorkerOptions& options = {}, std::uint32_t capacity = 64)
      : local(appliance_addresses()),
        table(need(channel::Table::create(capacity, {1, 2}, memory::Pages::normal))),
        worker(options, port, journal, clock, mailbox, local, table,
               need(digest::Digester::create()), need(Engine::create()), stats) {}

  packet::LocalAddresses local;
  channel::Table table;
  SimulatedPort port;
  Journal journal;
  TestClock clock;
  TestMailbox mailbox;
  Stats stats;
  TestedWorker worker;

  Payer open_channel(std::uint64_t index, KeyType type = KeyType::secp256k1) {
    Payer payer = make_payer(index, type);
    apply(payer.terms);
    return payer;
  }
  channel::ApplyResult apply(const channel::ChannelTerms& terms) {
    return table.apply(terms, ++incarnation_).result;
  }

  SimulatedPort::Frame& deliver(const std::vector<ClaimBytes>& claims) {
    return port.deliver(datagram(claims));
  }

  bool turn(bool receiving = true) {
    const bool worked = worker.turn(receiving);
    expect_accounts_to_balance(stats);
    EXPECT_EQ(port.outstanding(), worker.datagrams_in_flight());
    if constexpr (std::is_same_v<Journal, GatedJournal>) {
      EXPECT_EQ(journal.reserved, stats.claims_in_flight.value())
          << "one reservation for each claim in flight";
    }
    return worked;
  }
  // Turns until nothing moves any more: what is left waits for the journal.
  void settle() {
    for (unsigned still = 0; still < 3;) {
      const auto before = std::pair(stats.claims_in_flight.value(), port.outstanding());
      turn();
      const auto after = std::pair(stats.claims_in_flight.value(), port.outstanding());
      still = before == after && port.waiting() == 0 && after.first == 0 ? still + 1 : 0;
    }
  }

  // The reply's verdicts, after checking that the frame is a whole and correct answer.
  std::vector<wire::Verdict> verdicts_of(SimulatedPort::Frame& frame) {
    std::vector<wire::Verdict> out;
    EXPECT_EQ(frame.place, SimulatedPort::Place::sent);
    if (frame.place != SimulatedPort::Place::sent) return out;
    const auto seen = packet::read_udp(frame.view());
    EXPECT_TRUE(seen.has_value()) << "no UDP datagram with good checksums";
    if (!seen) return out;
    EXPECT_EQ(seen->payload.size() % wire::verdict_bytes, 0U);
    for (std::size_t at = 0; at + wire::verdict_bytes <= seen->payload.size();
         at += wire::verdict_bytes) {
      EXPECT_TRUE(wire::is_verdict(seen->payload.data() + at));
      out.push_back(wire::read_verdict(seen->payload.data() + at));
    }
    return out;
  }
  // Sends one datagram and waits for its verdicts.
  std::vector<wire::Verdict> verdicts(const std::vector<ClaimBytes>& claims) {
    auto& frame = deliver(claims);
    settle();
    return verdicts_of(frame);
  }
  std::vector<wire::Code> codes(const std::vector<ClaimBytes>& claims) {
    std::vector<wire::Code> out;
    for (const auto& verdict : verdicts(claims)) out.push_back(verdict.code);
    return out;
  }
  wire::Code code(const ClaimBytes& claim) {
    const auto got = codes({claim});
    return got.size() == 1 ? got[0] : undecided;
  }

  [[nodiscard]] std::optional<channel::ChannelView> view(const Payer& payer) const {
    const auto hash = table.hash(payer.handle());
    return table.view(table.find(payer.handle(), hash, table.candidate(hash)));
  }
  [[nodiscard]] std::uint64_t held(const Payer& payer) const {
    const auto seen = view(payer);
    return seen ? seen->held.value : ~std::uint64_t{0};
  }
  [[nodiscard]] std::uint64_t counted(wire::Code code) const {
    return stats.verdicts[static_cast<std::size_t>(code)].value();
  }
  [[nodiscard]] std::uint64_t examined() const {
    return stats.signatures_secp256k1.value() + stats.signatures_ed25519.value();
  }
  [[nodiscard]] std::uint64_t dropped(packet::Drop why) const {
    return stats.dropped[static_cast<std::size_t>(why)].value();
  }

 private:
  std::uint32_t incarnation_ = 0;
};

}  // namespace claimgate::pipeline

namespace claimgate::wire {
// For GoogleTest's messages.
inline void PrintTo(Code code, std::ostream* out) {
  *out << name(code);
}
}  // namespace claimgate::wire
