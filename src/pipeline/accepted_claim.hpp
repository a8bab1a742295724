// What a worker hands to the journal: all that recovery needs to accept a claim again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/channel/terms.hpp"
#include "lib/wire/claim.hpp"

namespace claimgate::pipeline {

struct AcceptedClaim {
  wire::ChannelHandle channel;
  wire::Drops amount;
  wire::Drops previous;  // held before
  std::uint32_t incarnation = 0;
  std::uint32_t slot = 0;
  channel::LedgerTime time = 0;
  const std::byte* signature = nullptr;  // 64 bytes, to be copied
};

}  // namespace claimgate::pipeline
