// What one worker counts. Written by that worker alone, read live by anyone (lib/counter).
//
// The accounting equations, true at every moment between two turns of the loop:
//   datagrams_received = Σ dropped + answered + neighbours + silenced + transmit_failed + held
//   claims_parsed      = Σ verdicts + claims in flight
#pragma once

#include <array>
#include <cstdint>

#include "lib/counter/counter.hpp"
#include "lib/counter/gauge.hpp"
#include "lib/counter/histogram.hpp"
#include "lib/packet/drop.hpp"
#include "lib/wire/claim.hpp"

namespace claimgate::pipeline {

struct Stats {
  // Frames off the port, each with exactly one of the outcomes below, or held.
  counter::Counter datagrams_received;
  counter::Counter datagrams_answered;   // verdicts handed to the driver
  counter::Counter neighbours_answered;  // ARP, ND, echo
  counter::Counter datagrams_silenced;   // every verdict was UNKNOWN_CHANNEL, answer_unknown off
  counter::Counter transmit_failed;      // answered, but the driver's ring stayed full
  std::array<counter::Counter, packet::drop_count> dropped;  // silently, by reason
  counter::Gauge datagrams_held;                             // tickets in flight

  counter::Counter claims_parsed;
  std::array<counter::Counter, wire::code_count> verdicts;
  counter::Gauge claims_in_flight;  // admitted, not yet decided

  counter::Counter signatures_secp256k1;  // examined by the verifier
  counter::Counter signatures_ed25519;
  counter::Counter signatures_matched;  // equal to the one held, byte for byte: not examined

  counter::Counter bursts;  // polls that brought at least one frame
  counter::Counter polls_empty;
  counter::Counter sleeps;        // idle = "yield"
  counter::Counter commands;      // provisioning commands executed
  counter::Histogram burst_fill;  // frames per non-empty poll
  counter::Histogram turn_ns;     // one pass of the loop that had work: the polling gap
  counter::Histogram reply_ns;    // receive to transmit, per datagram
};

}  // namespace claimgate::pipeline
