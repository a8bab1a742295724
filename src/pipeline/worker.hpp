// The worker: one poll loop on one pinned lcore, the stages in a row.
//
// A template over what it stands on, so that the same loop runs on a DPDK port in the appliance and
// on a simulated one in tests:
//   Port     receive / transmit / discard of tickets            (nic::Port)
//   Journal  reserve / append / release / publish / durable_lsn / released_lsn / has_failed
//                                                               (durability::LaneGate)
//   Clock    cycles / nanoseconds / ledger_now                  (SystemClock)
//   Mailbox  take / give_back of Command*                       (nic::CommandRing)
//   Probe    told of each stage as it ends                      (NoProbe: nothing)
//   Engine   free_lanes / submit / poll, lanes_max              (verify::Verifier)
//
// Owner and only user of everything it references; `Stats` may be read by others meanwhile.
// After construction nothing here allocates; only an idle `yield` worker makes a system call.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <ctime>
#include <limits>

#include "src/pipeline/command.hpp"
#include "src/pipeline/idle.hpp"
#include "src/pipeline/probe.hpp"
#include "src/pipeline/stages.hpp"

namespace claimgate::pipeline {

struct WorkerOptions {
  Rules rules;
  Idle idle = Idle::spin;
  unsigned claims_in_flight_max = 4096;  // power of two
};

template <class Port, class Journal, class Clock, class Mailbox, class Probe = NoProbe,
          class Engine = verify::Verifier>
class Worker {
 public:
  Worker(const WorkerOptions& options, Port& port, Journal& journal, Clock& clock, Mailbox& mailbox,
         const packet::LocalAddresses& local, channel::Table& table, digest::Digester digester,
         Engine verifier, Stats& stats)
      : options_(options),
        port_(port),
        journal_(journal),
        clock_(clock),
        mailbox_(mailbox),
        local_(local),
        table_(table),
        digester_(std::move(digester)),
        verifier_(std::move(verifier)),
        stats_(stats),
        ring_(options.claims_in_flight_max, Engine::lanes_max),
        decided_(options.rules.held_max,
                 std::bit_ceil(options.rules.held_max + burst_datagrams_max)),
        copies_(options.rules.copy_payloads ? options.rules.held_max + burst_datagrams_max : 0) {}

  // Runs until `stop` is set, then answers what is in flight and returns. What the journal does not
  // release by then, because it has failed or stands still, stays unanswered: the client sends
  // again.
  void run(const std::atomic<bool>& stop) noexcept {
    unsigned idle_turns = 0;
    while (!stop.load(std::memory_order_relaxed)) {
      idle_turns = turn(true) ? 0 : idle_turns + 1;
      if (idle_turns >= idle_turns_before_rest) rest();
    }
    const std::uint64_t began = clock_.cycles();
    while (in_flight_ > 0 && !journal_.has_failed() &&
           clock_.nanoseconds(clock_.cycles() - began) < drain_max_ns) {
      turn(false);
    }
  }

  // One pass: a burst in, whatever is ready out. True where there was anything to do.
  bool turn(bool receiving) noexcept {
    probe_.turn_begins();
    const std::uint64_t now = clock_.cycles();
    const channel::LedgerTime ledger_now = clock_.ledger_now(now);

    burst_.clear();
    decided_.released_lsn = journal_.released_lsn();
    if (receiving) receive(now);
    probe_.passed(Stage::rx);
    parse(burst_, local_, table_, copies_, room(), options_.rules, stats_);
    probe_.passed(Stage::parse);
    admit(burst_, table_, ring_, journal_, decided_, ledger_now, stats_);
    probe_.passed(Stage::admit);
    hold_decided();
    probe_.passed(Stage::reply);
    digest_admitted(ring_, table_, digester_, options_.rules);
    probe_.passed(Stage::digest);
    verify(ring_, table_, verifier_, stats_);
    probe_.passed(Stage::verify);
    commit(ring_, table_, journal_, decided_, ledger_now, stats_);
    probe_.passed(Stage::commit);
    reply();
    probe_.passed(Stage::reply);
    const bool commanded = obey();
    const bool worked = account(now, commanded);
    probe_.passed(Stage::rest);
    return worked;
  }

  [[nodiscard]] unsigned datagrams_in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] Probe& probe() noexcept { return probe_; }
  [[nodiscard]] const Engine& engine() const noexcept { return verifier_; }

 private:
  static constexpr unsigned idle_turns_before_rest = 256;
  static constexpr long rest_ns = 600'000;  // a claim that ends the rest is answered within 1 ms
  static constexpr unsigned commands_per_turn = 8;
  static constexpr std::uint64_t drain_max_ns = 2'000'000'000;

  [[nodiscard]] unsigned room() const noexcept {
    return in_flight_ < options_.rules.held_max ? options_.rules.held_max - in_flight_ : 0;
  }

  void receive(std::uint64_t now) noexcept {
    burst_.received.count = port_.receive(burst_.received.items.data(), burst_datagrams_max, now);
    if (burst_.received.count == 0) {
      stats_.polls_empty.add(1);
      return;
    }
    stats_.bursts.add(1);
    stats_.burst_fill.record(burst_.received.count);
    stats_.datagrams_received.add(burst_.received.count);
  }

  // Datagrams that no stage after admit has to touch; and the count of those now in flight. What
  // rests on nothing that the journal holds back waits for nobody: so BUSY gets out, and its buffer
  // is free again, even where the journal stands still.
  void hold_decided() noexcept {
    for (Ticket* ticket : burst_.received) {
      if (ticket->n == 0) continue;
      ++in_flight_;
      if (ticket->pending == 0) decided_.push(ticket);
    }
  }

  // Answers every datagram that the journal does not hold back, and gives back what was refused.
  void reply() noexcept {
    const std::uint64_t now = clock_.cycles();
    answer(decided_.ready, std::numeric_limits<std::uint64_t>::max(), now);
    answer(decided_.waiting, journal_.released_lsn(), now);
    if (burst_.neighbours.count > 0) send(burst_.neighbours, stats_.neighbours_answered);
    if (burst_.refused.count > 0) port_.discard(burst_.refused.items.data(), burst_.refused.count);
  }

  // Those at the front of `decided` that rest on nothing above `released_lsn`.
  void answer(HeldRing& decided, std::uint64_t released_lsn, std::uint64_t now) noexcept {
    const std::uint64_t durable_lsn = journal_.durable_lsn();
    outgoing_.clear();
    for (; !decided.empty() && decided.front()->lsn <= released_lsn; decided.pop()) {
      Ticket* ticket = decided.front();
      --in_flight_;
      decided_.leaves(*ticket);
      const bool answered =
          write_reply(*ticket, local_.mac(), ticket->lsn <= durable_lsn, options_.rules);
      copies_.release(*ticket);
      stats_.reply_ns.record(clock_.nanoseconds(now - ticket->arrival));
      if (answered) {
        outgoing_.push(ticket);
      } else {
        stats_.datagrams_silenced.add(1);
        port_.discard(&ticket, 1);
      }
      if (outgoing_.count == burst_datagrams_max) {
        send(outgoing_, stats_.datagrams_answered);
        outgoing_.clear();
      }
    }
    if (outgoing_.count > 0) send(outgoing_, stats_.datagrams_answered);
  }

  void send(List<Ticket*, burst_datagrams_max>& tickets, counter::Counter& sent_counter) noexcept {
    probe_.passed(Stage::reply);
    const unsigned sent = port_.transmit(tickets.items.data(), tickets.count);
    sent_counter.add(sent);
    if (sent < tickets.count) stats_.transmit_failed.add(tickets.count - sent);
    probe_.passed(Stage::tx);
  }

  bool obey() noexcept {
    unsigned done = 0;
    for (Command* command; done < commands_per_turn && (command = mailbox_.take()); ++done) {
      switch (command->verb) {
        case Command::Verb::apply: {
          const auto applied = table_.apply(command->terms, command->incarnation);
          command->result = applied.result;
          command->slot = applied.slot;
          break;
        }
        case Command::Verb::remove:
          command->removed = table_.remove(command->terms.id);
          break;
        case Command::Verb::find: {
          const auto sought = command->terms.id.handle();
          const auto hash = table_.hash(sought);
          command->slot = table_.find(sought, hash, table_.candidate(hash));
          break;
        }
      }
      mailbox_.give_back(command);
    }
    if (done > 0) stats_.commands.add(done);
    return done > 0;
  }

  bool account(std::uint64_t turn_began, bool commanded) noexcept {
    const bool worked = burst_.received.count > 0 || ring_.undecided() > 0 || commanded;
    stats_.datagrams_held.set(in_flight_);
    stats_.claims_in_flight.set(ring_.undecided());
    if (worked) stats_.turn_ns.record(clock_.nanoseconds(clock_.cycles() - turn_began));
    return worked || in_flight_ > 0;
  }

  void rest() noexcept {
    if (options_.idle == Idle::spin) {
      _mm_pause();
      return;
    }
    const timespec nap{.tv_sec = 0, .tv_nsec = rest_ns};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr);
    stats_.sleeps.add(1);
  }

  const WorkerOptions options_;
  Port& port_;
  Journal& journal_;
  Clock& clock_;
  Mailbox& mailbox_;
  const packet::LocalAddresses& local_;
  channel::Table& table_;
  digest::Digester digester_;
  Engine verifier_;
  Stats& stats_;
  ClaimRing ring_;
  Decided decided_;
  CopyArena copies_;
  Burst burst_;
  List<Ticket*, burst_datagrams_max> outgoing_;
  unsigned in_flight_ = 0;  // datagrams with a ticket: undecided or held
  [[no_unique_address]] Probe probe_;
};

}  // namespace claimgate::pipeline
