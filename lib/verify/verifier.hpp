// The verifier: digests, signatures and keys in, a verdict bit per lane out.
//
//   submit(lanes) ──► taken, in order ──► poll() ──► results, in the same order
//
// submit/poll, so that whole batches are worked on (lib/secp, SIMD across signatures) while the
// worker goes on polling its queue: ECDSA by the batch engine, Ed25519 with libsodium, one by one.
//
// Owner: one worker thread. submit() and poll() allocate nothing. What a lane points to must stay
// readable until poll() has answered it.
//
// Verification handles public values only, so it may take variable time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "lib/channel/terms.hpp"
#include "lib/failure/failure.hpp"
#include "lib/secp/engine.hpp"
#include "lib/secp/reference.hpp"

namespace claimgate::verify {

struct Lane {
  const std::byte* signature;  // 64: r‖s or R‖S
  const std::byte* key;        // 64: x‖y, a point on the curve; or 32 of Ed25519
  const std::byte* digest;     // 32: SHA-512Half of the message (secp256k1)
  const std::byte* message;    // 44: the message itself (Ed25519)
  channel::KeyType type;
  std::uint32_t key_number = 0;  // the channel's slot: whose key's claims count together
};

// Pure Ed25519 with S < L over a message of any length, by libsodium. Preconditions: create() of
// one of the classes below has returned; 64 and 32 readable bytes. Thread-safe.
[[nodiscard]] bool verify_ed25519(const std::byte* signature, const std::byte* key,
                                  std::span<const std::byte> message) noexcept;

// One signature by the ledger's rules (PROTOCOL: 0 < r,s < n, s <= n/2; S < L). The reference that
// every engine must agree with. Thread-safe.
class Reference {
 public:
  [[nodiscard]] static Expected<Reference> create();
  [[nodiscard]] bool verify(const Lane& lane) const noexcept;

 private:
  explicit Reference(secp::Reference secp256k1) noexcept : secp256k1_(std::move(secp256k1)) {}
  secp::Reference secp256k1_;
};

class Verifier {
 public:
  // Lanes in flight at most.
  static constexpr unsigned lanes_max = secp::Engine::lanes_max;

  [[nodiscard]] static Expected<Verifier> create(const secp::EngineOptions& options);

  [[nodiscard]] unsigned free_lanes() const noexcept {
    return lanes_max - static_cast<unsigned>(submitted_ - answered_);
  }
  // Precondition: free_lanes() > 0.
  void submit(const Lane& lane) noexcept;
  // Works for some tens of microseconds, and answers every lane that is ready, in the order of
  // submission; returns how many. Precondition: room for lanes_max results.
  unsigned poll(std::span<bool> results) noexcept;

  [[nodiscard]] const secp::Engine& engine() const noexcept { return engine_; }

 private:
  explicit Verifier(secp::Engine engine) noexcept : engine_(std::move(engine)) {}
  secp::Engine engine_;
  // In flight, by number modulo lanes_max: answered_ .. submitted_.
  struct Flight {
    Lane lane;  // of Ed25519
    bool ed25519, known, good;
  };
  std::array<Flight, lanes_max> flights_{};
  std::uint64_t submitted_ = 0, answered_ = 0;
  std::uint64_t ed25519_next_ = 0;  // none of Ed25519 before it is unknown
  std::uint64_t secp256k1_next_ = 0;
  unsigned ed25519_waiting_ = 0;
  bool ed25519_turn_ = false;
};

}  // namespace claimgate::verify
