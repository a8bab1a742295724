#include "src/control/provisioning.hpp"

#include <array>
#include <ctime>
#include <vector>

#include "src/nic/command_ring.hpp"

namespace claimgate::control {

namespace {

using Clock = std::chrono::steady_clock;
using pipeline::Command;

Failure no_answer() {
  return Failure{"the worker did not answer within 5 s", "worker",
                 "It may be stopped or starved: look at claimgate_polls_total and at what else "
                 "runs on its CPU"};
}

void breathe() {
  const timespec nap{.tv_sec = 0, .tv_nsec = 20'000};
  nanosleep(&nap, nullptr);
}

}  // namespace

Provisioning::Provisioning(nic::CommandRing& ring, const channel::Table& table,
                           std::uint32_t next_incarnation)
    : ring_(ring), table_(table), next_incarnation_(next_incarnation), commands_(batch_max) {}

Provisioning::~Provisioning() = default;

// Posts the first `count` commands and waits until each has been answered. Precondition: not
// broken_, also when the commands were written: the worker may still read them.
Expected<void> Provisioning::execute(std::size_t count) {
  std::size_t posted = 0;
  std::size_t answered = 0;
  auto deadline = Clock::now() + patience;
  while (answered < count) {
    while (posted < count && ring_.post(&commands_[posted])) ++posted;
    bool progress = false;
    while (ring_.collect() != nullptr) {
      ++answered;
      progress = true;
    }
    if (progress) {
      deadline = Clock::now() + patience;
    } else if (Clock::now() > deadline) {
      // Commands of ours may still be with the worker: nothing may reuse their memory.
      broken_ = true;
      return std::unexpected(no_answer());
    } else {
      breathe();
    }
  }
  return {};
}

Expected<void> Provisioning::apply(std::span<const channel::ChannelTerms> terms,
                                   std::span<channel::ApplyResult> results) {
  if (broken_) return std::unexpected(no_answer());
  for (std::size_t first = 0; first < terms.size(); first += batch_max) {
    const std::size_t count = std::min<std::size_t>(batch_max, terms.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      commands_[i] = {.verb = Command::Verb::apply,
                      .terms = terms[first + i],
                      .incarnation = next_incarnation_ + static_cast<std::uint32_t>(i)};
    }
    if (auto done = execute(count); !done) return done;
    next_incarnation_ += static_cast<std::uint32_t>(count);
    for (std::size_t i = 0; i < count; ++i) results[first + i] = commands_[i].result;
  }
  return {};
}

Expected<bool> Provisioning::remove(const channel::ChannelId& id) {
  if (broken_) return std::unexpected(no_answer());
  commands_[0] = {.verb = Command::Verb::remove, .terms = {.id = id}};
  if (auto done = execute(1); !done) return std::unexpected(done.error());
  return commands_[0].removed;
}

Expected<std::optional<channel::ChannelView>> Provisioning::find(wire::ChannelHandle handle) {
  if (broken_) return std::unexpected(no_answer());
  commands_[0] = {.verb = Command::Verb::find};
  wire::store_be(commands_[0].terms.id.bytes.data(), handle.value);
  if (auto done = execute(1); !done) return std::unexpected(done.error());
  if (commands_[0].slot == channel::no_slot) return std::nullopt;
  auto view = table_.view(commands_[0].slot);
  // The slot may have been given to another channel since the worker answered.
  if (view && view->terms.id.handle() != handle) return std::nullopt;
  return view;
}

void Provisioning::for_each(const std::function<void(const channel::ChannelView&)>& each) const {
  const std::uint32_t used = table_.slots_used();
  for (std::uint32_t slot = 0; slot < used; ++slot) {
    if (const auto view = table_.view(slot)) each(*view);
  }
}

std::uint32_t Provisioning::channels() const noexcept {
  return table_.size();
}
std::uint32_t Provisioning::capacity() const noexcept {
  return table_.capacity();
}

}  // namespace claimgate::control
