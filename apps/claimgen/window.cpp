#include "apps/claimgen/window.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "apps/claimgen/datagram.hpp"

namespace claimgate::claimgen {
namespace {

constexpr std::array<std::uint64_t, 6> odd_stamps = {
    0x7FF8'0000'DEAD'BEEF,  // a NaN with a payload
    0xFFF0'0000'0000'0001,  // a signalling NaN, negative
    0x7FF0'0000'0000'0000,  // infinity
    0xFFF0'0000'0000'0000,  // minus infinity
    0x8000'0000'0000'0000,  // minus zero
    0x0000'0000'0000'0001,  // the smallest number
};
constexpr std::uint32_t odd_stamp_every = 256;

std::uint32_t sequence_of(const std::byte* verdict) noexcept {
  return wire::load_be<std::uint32_t>(verdict + wire::offset::sequence);
}

}  // namespace

double stamp_of(std::uint32_t claim, double unix_ms) noexcept {
  // A double near 1.7e12 resolves 1/4096, so every step of 1/1024 ms shows.
  if (claim % odd_stamp_every != odd_stamp_every / 2) return unix_ms + claim / 1024.0;
  return std::bit_cast<double>(odd_stamps[claim / odd_stamp_every % odd_stamps.size()]);
}

Window::Window(const WindowOptions& options, const Plan& plan, std::span<const std::byte> frames)
    : options_(options),
      plan_(plan),
      frames_(frames),
      oracle_(plan.claims, static_cast<std::uint32_t>(plan.finals.size())),
      flights_(options.datagrams),
      flight_of_(plan.claims.size(), Flights::none),
      departures_(plan.claims.size()) {
  assert(frames.size() == plan.claims.size() * wire::claim_bytes);
  assert(options.schedule.burst >= 1);
  if (options.schedule.claims_per_s > 0) {
    schedule_.emplace(options.schedule, plan.claims.size(), plan.datagrams.size());
  } else {
    assert(options.schedule.burst <= options.datagrams);
  }
  waiting_.reserve(std::size_t{options.datagrams} * (wire::claims_per_datagram_max + 1));
  mismatches_.reserve(mismatches_listed);
}

std::optional<Outgoing> Window::take(std::uint64_t now_ns) {
  Flights::Index at = resend_silent(now_ns);
  if (at == Flights::none && flights_.room() == 0) {
    held_back(now_ns);
    return std::nullopt;
  }
  if (at == Flights::none) at = open_busy(now_ns);
  if (at == Flights::none) at = open_new(now_ns);
  if (at == Flights::none) return std::nullopt;
  flights_.sent(at, now_ns);
  const Flight& flight = flights_[at];
  ++tally_.datagrams_sent;
  ++tally_.sent_to[flight.port - wire::port_any];
  return Outgoing{.claims = {flight.claims.data(), flight.n}, .port = flight.port};
}

// The datagram that has been silent for longest, where that is too long.
Flights::Index Window::resend_silent(std::uint64_t now_ns) {
  if (now_ns < options_.timeout_ns) return Flights::none;
  for (;;) {
    const Flights::Index at = flights_.take_silent(now_ns - options_.timeout_ns);
    if (at == Flights::none) return at;
    Flight& flight = flights_[at];
    if (flight.repeats == options_.retries) {
      give_up(at);
      continue;
    }
    ++flight.repeats;
    for (unsigned i = 0; i < flight.n; ++i) oracle_.resent(flight.claims[i]);
    ++tally_.datagrams_resent;
    return at;
  }
}

// Claims that BUSY sent away and whose time has come.
Flights::Index Window::open_busy(std::uint64_t now_ns) noexcept {
  std::array<std::uint32_t, wire::claims_per_datagram_max> claims;
  unsigned n = 0;
  while (n < claims.size() && !waiting_.empty() && waiting_.front().due_ns <= now_ns) {
    claims[n++] = waiting_.front().claim;
    std::pop_heap(waiting_.begin(), waiting_.end());
    waiting_.pop_back();
  }
  if (n == 0) return Flights::none;
  std::sort(claims.begin(), claims.begin() + n);  // older amounts first, as they were first sent
  for (unsigned i = 0; i < n; ++i) oracle_.resent(claims[i]);
  return open({claims.data(), n});
}

// The plan's next datagram, where its time has come.
Flights::Index Window::open_new(std::uint64_t now_ns) noexcept {
  if (next_datagram_ == plan_.datagrams.size() || !may_open_new(now_ns)) return Flights::none;
  const std::uint64_t due_ns = schedule_ ? schedule_->due_ns() : now_ns;
  std::array<std::uint32_t, wire::claims_per_datagram_max> claims;
  const unsigned n = plan_.datagrams[next_datagram_++];
  for (unsigned i = 0; i < n; ++i) {
    claims[i] = oracle_.sent_count();
    oracle_.sent(claims[i]);
    departures_[claims[i]] = {.due_ns = due_ns, .sent_ns = now_ns};
  }
  if (schedule_) {
    schedule_->advance();
    count_departure(n, due_ns, now_ns);
  } else {
    --left_in_burst_;
  }
  return open({claims.data(), n});
}

// Precondition: the plan has another datagram.
bool Window::may_open_new(std::uint64_t now_ns) noexcept {
  if (schedule_ && schedule_->due_ns() > now_ns) return false;
  if (waiting_.size() >= options_.datagrams) {
    held_back(now_ns);  // while the appliance asks for patience, nothing new is sent on top
    return false;
  }
  if (!schedule_ && left_in_burst_ == 0) {
    const auto burst = static_cast<std::uint32_t>(
        std::min<std::size_t>(options_.schedule.burst, plan_.datagrams.size() - next_datagram_));
    if (flights_.room() < burst) return false;
    left_in_burst_ = burst;
  }
  return true;
}

void Window::count_departure(unsigned claims, std::uint64_t due_ns, std::uint64_t now_ns) noexcept {
  const std::uint64_t behind_ns = now_ns - due_ns;
  tally_.behind_ns.record(behind_ns);
  tally_.last_behind_ns = behind_ns;
  tally_.claims_sent += claims;
  if (behind_ns <= late_ns) return;
  const bool held = held_at_ns_ && *held_at_ns_ >= due_ns;
  ++(held ? tally_.late_held : tally_.late_own);
}

Flights::Index Window::open(std::span<const std::uint32_t> claims) noexcept {
  const Flights::Index at = flights_.open(claims);
  for (const std::uint32_t claim : claims) flight_of_[claim] = at;
  if (options_.shard_ports) {
    std::array<wire::ChannelHandle, wire::claims_per_datagram_max> handles;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      const std::byte* const frame = frames_.data() + std::size_t{claims[i]} * wire::claim_bytes;
      handles[i] = wire::ClaimFrame(frame).handle();
    }
    flights_[at].port = shard_port({handles.data(), claims.size()});
  }
  return at;
}

std::size_t Window::write_payload(std::byte* payload, const Outgoing& outgoing) const noexcept {
  std::byte* at = payload;
  for (const std::uint32_t claim : outgoing.claims) {
    std::memcpy(at, frames_.data() + std::size_t{claim} * wire::claim_bytes, wire::claim_bytes);
    wire::store_be(at + wire::offset::claim_timestamp,
                   std::bit_cast<std::uint64_t>(stamp_of(claim, options_.unix_ms)));
    at += wire::claim_bytes;
  }
  return static_cast<std::size_t>(at - payload);
}

// The flight that these verdicts answer, all of it and in order. Otherwise the reply is late (all
// of its claims went out twice) or wrong, and counted as that.
Flights::Index Window::flight_of_reply(std::span<const std::byte> verdicts) {
  const auto n = verdicts.size() / wire::verdict_bytes;
  const std::uint32_t first = sequence_of(verdicts.data());
  const Flights::Index at = first < flight_of_.size() ? flight_of_[first] : Flights::none;
  bool matches = at != Flights::none && flights_[at].n == n;
  bool repeated = true;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t claim = sequence_of(verdicts.data() + i * wire::verdict_bytes);
    if (matches && flights_[at].claims[i] != claim) matches = false;
    repeated = repeated && claim < oracle_.sent_count() && oracle_.was_resent(claim);
  }
  if (matches) return at;
  if (repeated) {
    ++tally_.replies_late;
  } else {
    const bool known = first < plan_.claims.size();
    complain(known ? std::optional(first) : std::nullopt,
             "one answer per datagram: all of its verdicts, in order",
             fmt::format("{} verdicts from sequence {} that answer no open datagram", n, first));
  }
  return Flights::none;
}

void Window::settle(std::span<const std::byte> verdicts, std::uint16_t source_port,
                    std::uint64_t now_ns) {
  const Flights::Index at = flight_of_reply(verdicts);
  if (at == Flights::none) return;
  const Flight flight = flights_[at];
  if (source_port != flight.port) {
    complain(flight.claims[0], fmt::format("an answer from port {}", flight.port),
             fmt::format("one from port {}", source_port));
  }
  close(at);
  ++tally_.datagrams_answered;
  for (unsigned i = 0; i < flight.n; ++i) {
    judge(flight.claims[i], verdicts.data() + i * wire::verdict_bytes, now_ns);
  }
}

void Window::judge(std::uint32_t claim, const std::byte* at, std::uint64_t now_ns) {
  const wire::Verdict verdict = wire::read_verdict(at);
  const PlannedClaim& planned = plan_.claims[claim];
  if (!echoes(claim, at)) {
    complain(claim, "channel, sequence, amount and timestamp as sent", "other echoed bytes");
  }
  if ((verdict.flags & ~wire::flag_durable) != 0) {
    complain(claim, "no reserved flag", fmt::format("flags 0x{:02X}", verdict.flags));
  }
  if (verdict.code != wire::Code::busy && verdict.retry_after_ms != 0) {
    complain(claim, "retry_after_ms 0 without BUSY",
             fmt::format("{} with {}", verdict.retry_after_ms, wire::name(verdict.code)));
  }
  const CodeSet permitted = oracle_.permitted(claim);
  switch (oracle_.judge(claim, verdict.code)) {
    case Judgement::busy:
      ++tally_.claims_busy;
      waiting_.push_back({now_ns + std::uint64_t{verdict.retry_after_ms} * 1'000'000, claim});
      std::push_heap(waiting_.begin(), waiting_.end());
      return;
    case Judgement::wrong:
      complain(claim, permitted.text(), std::string(wire::name(verdict.code)));
      break;
    case Judgement::permitted:
      break;
  }
  const auto kind = static_cast<std::size_t>(planned.kind);
  ++tally_.verdicts[kind][static_cast<std::size_t>(verdict.code)];
  ++tally_.claims_decided;
  tally_.service_ns.record(now_ns - departures_[claim].sent_ns);
  if (schedule_) tally_.latency_ns.record(now_ns - departures_[claim].due_ns);
  if ((verdict.flags & wire::flag_durable) != 0) ++tally_.verdicts_durable;
}

bool Window::echoes(std::uint32_t claim, const std::byte* verdict) const noexcept {
  const std::byte* frame = frames_.data() + std::size_t{claim} * wire::claim_bytes;
  static_assert(wire::offset::code == wire::offset::claim_signature,
                "handle, sequence and amount stand at the same place in both frames");
  return std::memcmp(frame + wire::offset::handle, verdict + wire::offset::handle,
                     wire::offset::code - wire::offset::handle) == 0 &&
         wire::load_be<std::uint64_t>(verdict + wire::offset::verdict_timestamp) ==
             std::bit_cast<std::uint64_t>(stamp_of(claim, options_.unix_ms));
}

void Window::give_up(Flights::Index at) {
  const Flight flight = flights_[at];
  close(at);
  ++given_up_;
  tally_.claims_unanswered += flight.n;
  complain(flight.claims[0], fmt::format("an answer within {} transmissions", flight.repeats + 1),
           fmt::format("none to this datagram of {}", flight.n));
}

void Window::close(Flights::Index at) noexcept {
  const Flight& flight = flights_[at];
  for (unsigned i = 0; i < flight.n; ++i) flight_of_[flight.claims[i]] = Flights::none;
  flights_.close(at);
}

void Window::complain(std::optional<std::uint32_t> claim, std::string expected, std::string got) {
  ++tally_.mismatches;
  if (mismatches_.size() == mismatches_listed) return;
  mismatches_.push_back({claim, std::move(expected), std::move(got)});
}

void Window::check_finals() {
  for (std::uint32_t channel = 0; channel < plan_.finals.size(); ++channel) {
    if (oracle_.confirmed(channel) == plan_.finals[channel]) continue;
    complain(std::nullopt,
             fmt::format("channel {} to end with {} drops", channel, plan_.finals[channel]),
             fmt::format("verdicts that confirm {}", oracle_.confirmed(channel)));
  }
}

}  // namespace claimgate::claimgen
