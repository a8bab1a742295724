#include "bench/journal_load.hpp"

#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "bench/measure/program.hpp"
#include "bench/off_the_last_cpu.hpp"

namespace claimgate::bench {
namespace {

constexpr unsigned claims_a_turn = 32;
constexpr unsigned waiting_max = 1 << 16;

double cycles_per_us() {
  static const double measured = [] {
    const auto began = std::chrono::steady_clock::now();
    const std::uint64_t cycles = __rdtsc();
    while (std::chrono::steady_clock::now() - began < std::chrono::milliseconds(50)) {
    }
    return static_cast<double>(__rdtsc() - cycles) / 50'000;
  }();
  return measured;
}

}  // namespace

JournalLoad::JournalLoad(const std::string& folder, unsigned channels,
                         const durability::KeeperOptions& options)
    : storage_(need(journal::PosixStorage::open(folder))),
      table_(need(channel::Table::create(channels, {7, 8}, memory::Pages::transparent))),
      waiting_(waiting_max) {
  (void)cycles_per_us();
  {
    const OffTheLastCpu elsewhere;
    keeper_ = need(durability::Keeper::open(*storage_, options, table_, 1, recovered_));
  }
  gate_ = &keeper_->gate(0);
  if (recovered_.fresh) import(channels);
  for (channel::SlotIndex slot = 0; slot < table_.slots_used(); ++slot) slots_.push_back(slot);
}

void JournalLoad::import(unsigned channels) {
  constexpr unsigned slice = 8192;
  std::vector<journal::ProvisioningRecord> changes;
  const auto staged = [&] {
    if (auto done = keeper_->stage(changes); !done) throw std::runtime_error(done.error().text());
    for (const auto& each : changes) table_.apply(each.terms, each.incarnation);
    changes.clear();
  };
  for (unsigned i = 0; i < channels; ++i) {
    auto& change = changes.emplace_back();
    change.change = journal::Change::add;
    change.incarnation = keeper_->journal().issue_incarnations(1);
    for (unsigned word = 0; word < 4; ++word) {
      wire::store_be(change.terms.id.bytes.data() + 8 * word, random_());
    }
    change.terms.funded = wire::drops_max;
    change.terms.valid_until = channel::never;
    if (changes.size() == slice) staged();
  }
  staged();
  if (auto done = keeper_->commit(); !done) throw std::runtime_error(done.error().text());
  keeper_->journal().provisioned();
}

bool JournalLoad::accept() {
  if (!gate_->reserve()) return false;
  const channel::SlotIndex at = slots_[random_() % slots_.size()];
  const channel::Slot& slot = table_.slot(at);
  std::array<std::byte, wire::signature_bytes> signature;
  signature.fill(static_cast<std::byte>(slot.amount));
  const wire::Drops amount{slot.amount + 1};
  const std::uint64_t lsn = gate_->append({.channel = {slot.handle},
                                           .amount = amount,
                                           .previous = {slot.amount},
                                           .incarnation = slot.incarnation,
                                           .slot = at,
                                           .time = 1,
                                           .signature = signature.data()});
  table_.commit(at, amount, signature.data(), lsn, 1);
  waiting_[last_++ % waiting_max] = {lsn, __rdtsc()};
  return true;
}

void JournalLoad::release(std::vector<double>* added_us) {
  const std::uint64_t released = gate_->released_lsn();
  const std::uint64_t now = __rdtsc();
  for (; first_ < last_ && waiting_[first_ % waiting_max].lsn <= released; ++first_) {
    if (added_us == nullptr) continue;
    added_us->push_back(static_cast<double>(now - waiting_[first_ % waiting_max].since) /
                        cycles_per_us());
  }
}

Loaded JournalLoad::ended(const Loaded& so_far, std::uint64_t began, std::uint64_t claims) const {
  Loaded out = so_far;
  const double seconds = static_cast<double>(__rdtsc() - began) / cycles_per_us() * 1e-6;
  out.claims_per_s = static_cast<double>(claims) / seconds;
  const auto& lane = keeper_->stats(0);
  out.bytes_per_claim = static_cast<double>(lane.bytes.value() - bytes_before_) /
                        static_cast<double>(lane.records.value() - records_before_);
  out.checkpoints = keeper_->stats().checkpoints.value() - checkpoints_before_;
  return out;
}

Loaded JournalLoad::saturate(double seconds, unsigned window) {
  bytes_before_ = keeper_->stats(0).bytes.value();
  records_before_ = keeper_->stats(0).records.value();
  checkpoints_before_ = keeper_->stats().checkpoints.value();
  Loaded out;
  std::vector<double> turns_us;
  std::uint64_t claims = 0, turn_began = __rdtsc();
  const std::uint64_t began = turn_began;
  const auto until = began + static_cast<std::uint64_t>(seconds * 1e6 * cycles_per_us());
  while (turn_began < until) {
    unsigned taken = 0;
    while (taken < claims_a_turn && last_ - first_ < window && accept()) ++taken;
    if (taken > 0) gate_->publish();
    claims += taken;
    release(nullptr);
    if (taken == 0) _mm_pause();
    const std::uint64_t now = __rdtsc();
    if (taken > 0) turns_us.push_back(static_cast<double>(now - turn_began) / cycles_per_us());
    turn_began = now;
  }
  out.turn_p9999_us = quantile(std::move(turns_us), 0.9999);
  return ended(out, began, claims);
}

Loaded JournalLoad::at_rate(double rate, unsigned claims) {
  while (first_ < last_) release(nullptr);
  bytes_before_ = keeper_->stats(0).bytes.value();
  records_before_ = keeper_->stats(0).records.value();
  Loaded out;
  std::exponential_distribution<double> interval(rate * 1e-6);
  const std::uint64_t began = __rdtsc();
  double due_us = interval(random_);
  for (unsigned accepted = 0; accepted < claims || first_ < last_;) {
    const double now_us = static_cast<double>(__rdtsc() - began) / cycles_per_us();
    bool any = false;
    for (; accepted < claims && now_us >= due_us; due_us += interval(random_)) {
      if (!accept()) throw std::runtime_error("a claim was refused at half load");
      ++accepted;
      any = true;
    }
    if (any) gate_->publish();
    release(&out.added_us);
  }
  return ended(out, began, claims);
}

void JournalLoad::lengthen(std::uint64_t bytes) {
  const std::uint64_t until = keeper_->stats(0).bytes.value() + bytes;
  while (keeper_->stats(0).bytes.value() < until) (void)saturate(0.05, 16'000);
}

void JournalLoad::stop() {
  if (auto stopped = keeper_->stop(); !stopped) {
    throw std::runtime_error(stopped.error().text());
  }
}

}  // namespace claimgate::bench
