// The verifier: digests, signatures and keys in, a verdict bit per lane out.
//
//   submit(lanes) ──► taken, in order ──► poll() ──► results, in the same order
//
// submit/poll, so that an engine may work on whole batches (lib/secp, SIMD across signatures) or
// elsewhere, while the worker goes on polling its queue. Today's engine examines lane by lane:
// ECDSA with libsecp256k1 plus the ledger's low-S rule, Ed25519 with libsodium.
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

struct secp256k1_context_struct;

namespace claimgate::verify {

struct Lane {
  const std::byte* signature;  // 64: r‖s or R‖S
  const std::byte* key;        // 64: x‖y, a point on the curve; or 32 of Ed25519
  const std::byte* digest;     // 32: SHA-512Half of the message (secp256k1)
  const std::byte* message;    // 44: the message itself (Ed25519)
  channel::KeyType type;
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
  struct Free {
    void operator()(secp256k1_context_struct* context) const noexcept;
  };
  std::unique_ptr<secp256k1_context_struct, Free> secp256k1_;
};

class Verifier {
 public:
  // Lanes in flight at most. One, because a signature costs 30 to 50 µs here and a worker must
  // be back at its queue within 100 µs.
  static constexpr unsigned lanes_max = 1;

  [[nodiscard]] static Expected<Verifier> create();
  // The engine, as an operator should read it: "libsecp256k1 and libsodium".
  [[nodiscard]] static const char* kernel() noexcept;

  [[nodiscard]] unsigned free_lanes() const noexcept { return lanes_max - count_; }
  // Precondition: free_lanes() > 0.
  void submit(const Lane& lane) noexcept { lanes_[count_++] = lane; }
  // Answers every lane that is ready, in the order of submission; returns how many.
  // Precondition: room for lanes_max results.
  unsigned poll(std::span<bool> results) noexcept;

 private:
  explicit Verifier(Reference reference) noexcept : reference_(std::move(reference)) {}
  Reference reference_;
  std::array<Lane, lanes_max> lanes_{};
  unsigned count_ = 0;
};

}  // namespace claimgate::verify
