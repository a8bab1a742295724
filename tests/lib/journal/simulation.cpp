#include "tests/lib/journal/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "lib/journal/journal.hpp"
#include "tests/lib/journal/simulated_disk.hpp"

namespace claimgate::journal {
namespace {

constexpr unsigned channels = 12;
constexpr std::uint32_t capacity = 10;  // so that the table is sometimes full
constexpr unsigned crashes_in_a_row_max = 4;

using Signature = std::array<std::byte, wire::signature_bytes>;

// What the payer of this incarnation would have signed: any mix-up of amounts shows.
Signature signature_of(unsigned channel, std::uint32_t incarnation, std::uint64_t amount) {
  Signature out;
  std::mt19937_64 bytes(channel * 1'000'003ull + incarnation * 7'919ull + amount);
  for (std::size_t i = 0; i < out.size(); i += 8) wire::store_raw(out.data() + i, bytes());
  return out;
}

channel::ChannelTerms terms_of(unsigned channel, std::uint64_t funded, std::uint32_t ledger) {
  channel::ChannelTerms terms;
  wire::store_be(terms.id.bytes.data(), std::uint64_t{0x1000} + channel);
  terms.id.bytes[31] = std::byte{7};
  terms.key.bytes[0] = static_cast<std::byte>(channel + 1);
  terms.source[0] = static_cast<std::byte>(channel);
  terms.destination[0] = std::byte{9};
  terms.funded = {funded};
  terms.ledger_index = ledger;
  terms.valid_until = 1'000'000 + ledger;
  return terms;
}

// One channel as the outside knows it.
struct Known {
  std::uint32_t incarnation = 0;  // 0: not imported, or removed
  std::uint64_t funded = 0;
  std::uint32_t ledger = 0;
  std::uint64_t acknowledged = 0;    // highest amount that a verdict told of
  std::set<std::uint64_t> accepted;  // every amount that a worker took, told or not
};

// A verdict that waits: it rests on `lsn` and tells of `amount`.
struct Held {
  std::uint64_t lsn = 0;
  unsigned channel = 0;
  std::uint32_t incarnation = 0;
  std::uint64_t amount = 0;
};

// One process: a journal and its table, from start to crash.
struct Life {
  std::unique_ptr<channel::Table> table;
  std::unique_ptr<Journal> journal;
  Recovered recovered;
  std::vector<std::deque<Held>> held;                  // by lane
  std::vector<std::vector<LaneWriter::Group>> groups;  // under way, by lane
};

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options)
      : options_(options), random_(options.seed), disk_(options.seed ^ 0x5EED) {
    known_.resize(channels);
  }

  SimulationCounts run() {
    for (unsigned i = 0; i < options_.lives && counts_.lost.empty(); ++i) {
      if (!start()) break;
      live();
    }
    return counts_;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(unsigned in) { return below(in) == 0; }

  JournalOptions pick_options() {
    JournalOptions picked;
    picked.new_node_uuid[0] = std::byte{1};
    picked.new_node_uuid[1] = static_cast<std::byte>(options_.seed);
    picked.claim_lanes = 1 + static_cast<unsigned>(below(3));
    picked.segment_bytes = (9 + below(12)) * page_bytes;
    picked.provisioning_segment_bytes = (9 + below(4)) * page_bytes;
    picked.spares = 1 + static_cast<unsigned>(below(2));
    picked.depth = 1 + static_cast<unsigned>(below(3));
    picked.frames_per_group = 1;
    return picked;
  }

  // ---- start ------------------------------------------------------------------------------

  // A process that recovers, however often the power goes meanwhile. False: it refuses, rightly.
  bool start() {
    if (std::exchange(rest_told_, false)) rot_something();
    for (unsigned crashes = 0;; ++crashes) {
      life_ = Life{};
      lane_options_ = pick_options();
      life_.table = std::make_unique<channel::Table>(
          channel::Table::create(capacity, {1, 2}, memory::Pages::normal).value());
      const bool may_crash = crashes < crashes_in_a_row_max && chance(2);
      disk_.cut_power_at(may_crash ? 1 + below(60) : 0);
      try {
        auto opened = Journal::open(disk_, lane_options_, *life_.table, 1, life_.recovered);
        disk_.cut_power_at(0);
        if (!opened) {
          // What rotted may have been of no use before a power cut took its twin.
          if (counts_.rotted > 0) return ++counts_.refused, false;
          lose("a start refused: " + opened.error().text());
          return false;
        }
        life_.journal = std::move(*opened);
        life_.held.resize(lane_options_.claim_lanes);
        life_.groups.resize(lane_options_.claim_lanes);
        compare();
        return counts_.lost.empty();
      } catch (const PowerCut&) {
        ++counts_.crashes;
        ++counts_.crashes_in_recovery;
        counts_.deepest = std::max<std::uint64_t>(counts_.deepest, crashes + 2);
        disk_.crash();
      }
    }
  }

  // Holds the recovered table against what was told, and takes over what was not told yet.
  void compare() {
    settle_pending_batch();
    for (unsigned i = 0; i < channels; ++i) {
      Known& known = known_[i];
      const auto view = view_of(i);
      if (!view) {
        if (known.incarnation != 0) lose(fmt::format("channel {} is not there", i));
        continue;
      }
      if (view->incarnation != known.incarnation) {
        lose(fmt::format("channel {} has incarnation {}, not {}", i, view->incarnation,
                         known.incarnation));
        continue;
      }
      const std::uint64_t held = view->held.value;
      if (held < known.acknowledged) {
        lose(fmt::format("channel {} holds {}, and {} was acknowledged", i, held,
                         known.acknowledged));
      }
      if (held > 0 && !known.accepted.contains(held)) {
        lose(fmt::format("channel {} holds {}, which nobody accepted", i, held));
      }
      if (held > 0 && view->signature != signature_of(i, known.incarnation, held)) {
        lose(fmt::format("channel {} holds {} with another signature", i, held));
      }
      if (view->terms.funded.value < known.funded || view->terms.ledger_index < known.ledger) {
        lose(fmt::format("channel {} lost an update", i));
      }
      known.acknowledged = std::max(known.acknowledged, held);  // a client may ask for it now
    }
    if (life_.recovered.next_incarnation <= highest_incarnation_) {
      lose(fmt::format("incarnation {} is to be issued again", life_.recovered.next_incarnation));
    }
  }

  // A batch whose answer never came has happened wholly or not at all.
  void settle_pending_batch() {
    if (pending_.empty()) return;
    unsigned as_if_done = 0, as_if_not = 0, either = 0;
    for (const ProvisioningRecord& change : pending_) {
      const unsigned i = channel_of(change);
      const auto view = view_of(i);
      const std::uint32_t incarnation = view ? view->incarnation : 0;
      if (change.change == Change::update) {
        const bool same = view && known_[i].funded == change.terms.funded.value;
        const bool done = view && view->terms.funded.value >= change.terms.funded.value;
        ++(same ? either : done ? as_if_done : as_if_not);
      } else {
        const bool done = change.change == Change::add ? incarnation == change.incarnation
                                                       : incarnation != change.incarnation;
        ++(done ? as_if_done : as_if_not);
      }
    }
    if (as_if_done > 0 && as_if_not > 0) lose("half of an import happened");
    if (as_if_done > 0 || (as_if_not == 0 && either > 0)) note_applied(pending_);
    pending_.clear();
  }

  // ---- life -------------------------------------------------------------------------------

  void live() {
    const bool stops_cleanly = chance(8);
    disk_.cut_power_at(stops_cleanly || options_.rot ? 0 : 1 + below(chance(3) ? 20 : 400));
    try {
      // Short ones, too, so that two terms lie between two checkpoints.
      const std::uint64_t steps = options_.rot && chance(2) ? below(60) : 600;
      for (std::uint64_t i = 0; i < steps; ++i) step();
      if (stops_cleanly || options_.rot) {
        finish_groups();
        rest_told_ = tell_what_is_durable() && !stops_cleanly && options_.rot;
      }
      if (stops_cleanly) checkpoint();
      ++counts_.crashes;
      disk_.crash();  // after a clean stop there is nothing that it could take
    } catch (const PowerCut&) {
      ++counts_.crashes;
      disk_.crash();
    }
    life_ = Life{};
  }

  void step() {
    switch (below(24)) {
      case 0:
        return provision();
      case 1:
        return checkpoint();
      case 2:
      case 3:
        return tend();
      case 4:
      case 5:
      case 6:
        return close_group();
      case 7:
      case 8:
      case 9:
        return complete_group();
      case 10:
        return ask_again();
      default:
        return claim();
    }
  }

  std::optional<channel::ChannelView> view_of(unsigned channel) const {
    const auto slot = slot_of(channel);
    return slot == channel::no_slot ? std::nullopt : life_.table->view(slot);
  }

  channel::SlotIndex slot_of(unsigned channel) const {
    const wire::ChannelHandle handle{0x1000 + channel};
    return life_.table->find(handle, life_.table->hash(handle), channel::no_slot);
  }

  unsigned lane_of(unsigned channel) const { return channel % lane_options_.claim_lanes; }

  void claim() {
    const auto i = static_cast<unsigned>(below(channels));
    const auto slot = slot_of(i);
    const unsigned lane = lane_of(i);
    LaneWriter& writer = life_.journal->claims(lane);
    if (slot == channel::no_slot || writer.room() == 0) return;
    const channel::Slot& before = life_.table->slot(slot);
    const std::uint64_t previous = before.amount;
    const std::uint64_t amount = previous + 1 + below(5);
    const std::uint32_t incarnation = before.incarnation;
    const Signature signature = signature_of(i, incarnation, amount);
    const std::uint64_t lsn = writer.next_lsn();
    // The slot first: a checkpoint that knows of the record must find the amount.
    life_.table->commit(slot, {amount}, signature.data(), lsn, 5);
    std::array<std::byte, claim_record_bytes> record;
    write_claim_record(record.data(), {.lsn = lsn,
                                       .channel = {0x1000 + i},
                                       .amount = {amount},
                                       .previous = {previous},
                                       .incarnation = incarnation,
                                       .slot = slot,
                                       .time = 5,
                                       .signature = signature.data()});
    writer.append(record.data());
    known_[i].accepted.insert(amount);
    life_.held[lane].push_back({lsn, i, incarnation, amount});
  }

  // A duplicate, or a stale claim: its verdict tells of what is held, and waits for it.
  void ask_again() {
    const auto i = static_cast<unsigned>(below(channels));
    const auto slot = slot_of(i);
    if (slot == channel::no_slot || life_.table->slot(slot).amount == 0) return;
    const channel::Slot& held = life_.table->slot(slot);
    life_.held[lane_of(i)].push_back({held.lsn, i, held.incarnation, held.amount});
    release(lane_of(i));
  }

  void close_group() {
    const auto lane = static_cast<unsigned>(below(lane_options_.claim_lanes));
    LaneWriter& writer = life_.journal->claims(lane);
    if (writer.open_is_empty() && !writer.wants_heartbeat()) return;
    const auto group = writer.close(7);
    if (!group) return;
    life_.groups[lane].push_back(*group);
    (void)group->file->write(group->offset, group->bytes);
  }

  void complete_group() {
    const auto lane = static_cast<unsigned>(below(lane_options_.claim_lanes));
    auto& groups = life_.groups[lane];
    if (groups.empty()) return;
    const std::size_t at = below(groups.size());
    const LaneWriter::Group group = groups[at];
    auto& file = static_cast<SimulatedFile&>(*group.file);
    (void)file.harden(group.offset, group.bytes.size());
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(at));
    life_.journal->claims(lane).complete(group);
    release(lane);
  }

  void release(unsigned lane) {
    auto& held = life_.held[lane];
    const std::uint64_t durable = life_.journal->claims(lane).durable_lsn();
    while (!held.empty() && held.front().lsn <= durable) {
      const Held verdict = held.front();
      held.pop_front();
      ++counts_.acknowledged;
      Known& known = known_[verdict.channel];
      if (known.incarnation == verdict.incarnation) {
        known.acknowledged = std::max(known.acknowledged, verdict.amount);
      }
    }
  }

  void finish_groups() {
    for (unsigned lane = 0; lane < lane_options_.claim_lanes; ++lane) {
      while (!life_.groups[lane].empty()) complete_one(lane);
    }
  }

  // After a while without work every lane's last frame is followed by one that states it. False:
  // there was no segment for that.
  bool tell_what_is_durable() {
    for (unsigned lane = 0; lane < lane_options_.claim_lanes; ++lane) {
      LaneWriter& writer = life_.journal->claims(lane);
      while (!writer.open_is_empty() || writer.wants_heartbeat()) {
        tend();
        const auto group = writer.close(7);
        if (!group) return false;
        life_.groups[lane].push_back(*group);
        (void)group->file->write(group->offset, group->bytes);
        complete_one(lane);
      }
    }
    tend();
    return true;
  }

  void complete_one(unsigned lane) {
    const LaneWriter::Group group = life_.groups[lane].front();
    (void)static_cast<SimulatedFile&>(*group.file).harden(group.offset, group.bytes.size());
    life_.groups[lane].erase(life_.groups[lane].begin());
    life_.journal->claims(lane).complete(group);
    release(lane);
  }

  // ---- control ----------------------------------------------------------------------------

  static unsigned channel_of(const ProvisioningRecord& change) {
    return static_cast<unsigned>(change.terms.id.handle().value - 0x1000);
  }

  std::pair<std::span<ProvisioningRecord>, std::span<ProvisioningRecord>> split(
      std::span<ProvisioningRecord> batch) {
    const std::size_t at = below(batch.size() + 1);
    return {batch.first(at), batch.subspan(at)};
  }

  void provision() {
    std::vector<ProvisioningRecord> batch;
    std::uint32_t size = life_.table->size();
    std::set<unsigned> touched;
    for (std::uint64_t n = 1 + below(5); n > 0; --n) {
      const auto i = static_cast<unsigned>(below(channels));
      if (!touched.insert(i).second) continue;
      const Known& known = known_[i];
      ProvisioningRecord change;
      if (known.incarnation == 0) {
        if (size == capacity) continue;
        ++size;
        change.change = Change::add;
        change.incarnation = life_.journal->issue_incarnations(1);
        change.terms = terms_of(i, 1'000 + below(10), known.ledger + 1);
      } else if (chance(4)) {
        change.change = Change::remove;
        change.incarnation = known.incarnation;
        change.terms = terms_of(i, 0, 0);
      } else {
        change.change = Change::update;
        change.incarnation = known.incarnation;
        change.terms = terms_of(i, known.funded + 1 + below(10), known.ledger + 1);
      }
      batch.push_back(change);
    }
    if (batch.empty()) return;
    if (chance(20)) make_large(batch);
    if (chance(6)) {  // given up: none of it ever happens
      if (auto done = life_.journal->stage(batch); !done) return lose(done.error().text());
      return life_.journal->abandon();
    }
    pending_ = batch;
    const auto [first, second] = split(batch);
    for (const auto part : {first, second}) {
      if (auto done = life_.journal->stage(part); !done) return lose(done.error().text());
    }
    if (auto done = life_.journal->commit(); !done) return lose(done.error().text());
    ++counts_.acknowledged;
    for (const ProvisioningRecord& change : batch) {
      if (change.change == Change::remove) {
        life_.table->remove(change.terms.id);
      } else {
        life_.table->apply(change.terms, change.incarnation);
      }
    }
    life_.journal->provisioned();
    note_applied(batch);
    pending_.clear();
  }

  // More changes than one write takes: the power may go in the middle of an import.
  void make_large(std::vector<ProvisioningRecord>& batch) {
    ProvisioningRecord change = batch.back();
    if (change.change == Change::remove) return;
    change.change = Change::update;
    for (std::uint64_t n = 130 + below(200); n > 0; --n) {
      ++change.terms.funded.value;
      batch.push_back(change);
    }
  }

  void note_applied(const std::vector<ProvisioningRecord>& batch) {
    for (const ProvisioningRecord& change : batch) {
      Known& known = known_[channel_of(change)];
      const std::uint32_t ledger = known.ledger;
      if (change.change != Change::update) known = Known{};
      if (change.change == Change::remove) {
        known.ledger = ledger;
        continue;
      }
      known.incarnation = change.incarnation;
      known.funded = change.terms.funded.value;
      known.ledger = change.terms.ledger_index;
      highest_incarnation_ = std::max(highest_incarnation_, change.incarnation);
    }
  }

  void checkpoint() {
    const auto pace = [this](std::size_t) -> Expected<void> {
      for (std::uint64_t n = below(6); n > 0; --n) {
        if (chance(2)) {
          claim();
        } else if (chance(4)) {
          if (auto more = life_.journal->tend(); !more) return std::unexpected(more.error());
        } else {
          chance(2) ? close_group() : complete_group();
        }
      }
      return {};
    };
    if (auto done = life_.journal->checkpoint(*life_.table, pace); !done) {
      return lose(done.error().text());
    }
    ++counts_.checkpoints;
  }

  void tend() {
    const auto done = life_.journal->tend();
    if (!done) return lose(done.error().text());
    counts_.segments_recycled += *done;
  }

  // One bit of a page that was ever written to.
  void rot_something() {
    std::vector<std::pair<std::string, std::uint64_t>> pages;
    for (const auto& [path, content] : disk_.names()) {
      if (!content) continue;
      for (std::size_t at = 0; at < content->now.size(); at += page_bytes) {
        const auto* const page = content->now.data() + at;
        const bool used =
            std::any_of(page, page + page_bytes, [](std::byte b) { return b != std::byte{}; });
        if (used) pages.emplace_back(path, at);
      }
    }
    if (pages.empty()) return;
    const auto& [path, at] = pages[below(pages.size())];
    disk_.rot(path, (at + below(page_bytes)) * 8 + below(8));
    ++counts_.rotted;
  }

  void lose(const std::string& what) {
    if (counts_.lost.empty()) {
      counts_.lost = fmt::format("seed {}, crash {}: {}", options_.seed, counts_.crashes, what);
    }
  }

  const SimulationOptions options_;
  std::mt19937_64 random_;
  SimulatedDisk disk_;
  std::vector<Known> known_;
  std::vector<ProvisioningRecord> pending_;  // handed to the journal, and not answered
  std::uint32_t highest_incarnation_ = 0;    // issued, and known to have been
  JournalOptions lane_options_;
  Life life_;
  SimulationCounts counts_;
  bool rest_told_ = false;  // nothing acknowledged could be taken for a tear
};

}  // namespace

SimulationCounts& SimulationCounts::operator+=(const SimulationCounts& other) {
  crashes += other.crashes;
  crashes_in_recovery += other.crashes_in_recovery;
  deepest = std::max(deepest, other.deepest);
  acknowledged += other.acknowledged;
  checkpoints += other.checkpoints;
  segments_recycled += other.segments_recycled;
  rotted += other.rotted;
  refused += other.refused;
  if (lost.empty()) lost = other.lost;
  return *this;
}

SimulationCounts simulate(const SimulationOptions& options) {
  return Simulation(options).run();
}

}  // namespace claimgate::journal
