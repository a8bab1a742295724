// Provisioning: the control plane's way to the workers' channel tables.
//
// Changes travel as commands over bounded rings to the worker that owns the channel; readings of
// single channels are taken from the slots under their sequence locks. One control thread at a time
// (the admin server's).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "lib/channel/table.hpp"
#include "lib/channel/terms.hpp"
#include "lib/failure/failure.hpp"
#include "src/pipeline/command.hpp"

namespace claimgate::nic {
class CommandRing;
}

namespace claimgate::control {

class Provisioning {
 public:
  // `table` is read only through view(). `next_incarnation` continues what the state file held.
  Provisioning(nic::CommandRing& ring, const channel::Table& table, std::uint32_t next_incarnation);
  Provisioning(const Provisioning&) = delete;
  Provisioning& operator=(const Provisioning&) = delete;
  ~Provisioning();

  // Applies `terms` in order; results[i] answers terms[i]. Sizes must be equal. Fails (naming the
  // remedy) where the worker does not answer within `patience`, and once the incarnations have run
  // out: 2^32 - 2 channels have then been new here. What was applied by then stays.
  [[nodiscard]] Expected<void> apply(std::span<const channel::ChannelTerms> terms,
                                     std::span<channel::ApplyResult> results);
  [[nodiscard]] Expected<bool> remove(const channel::ChannelId& id);
  [[nodiscard]] Expected<std::optional<channel::ChannelView>> find(wire::ChannelHandle handle);
  // Every channel, in slot order, while claims flow: each view is consistent in itself.
  void for_each(const std::function<void(const channel::ChannelView&)>& each) const;

  [[nodiscard]] std::uint32_t channels() const noexcept;
  [[nodiscard]] std::uint32_t capacity() const noexcept;
  [[nodiscard]] std::uint32_t next_incarnation() const noexcept { return next_incarnation_; }

  // Of waiting for the worker. After a call that ended so, the next ones wait `patience_late` for
  // the answers still due and fail until they have come: their commands are in the worker's hands.
  static constexpr std::chrono::seconds patience{5};
  static constexpr std::chrono::milliseconds patience_late{200};

 private:
  static constexpr std::size_t batch_max = 255;  // commands under way at once

  // Nothing of ours is with the worker any more, or a failure.
  [[nodiscard]] Expected<void> settle();
  [[nodiscard]] Expected<void> execute(std::size_t count);
  bool collect();

  nic::CommandRing& ring_;
  const channel::Table& table_;
  std::uint32_t next_incarnation_;
  std::vector<pipeline::Command> commands_;
  std::size_t outstanding_ = 0;  // posted and not answered: the worker may read their memory
};

}  // namespace claimgate::control
