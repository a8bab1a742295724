#include "lib/verify/verifier.hpp"

#include <sodium.h>

#include <algorithm>
#include <utility>

namespace claimgate::verify {

Expected<Reference> Reference::create() {
  if (sodium_init() < 0) return fail("libsodium does not start", "verify");
  auto secp256k1 = secp::Reference::create();
  if (!secp256k1) return std::unexpected(secp256k1.error());
  return Reference(std::move(*secp256k1));
}

namespace {

constexpr std::size_t message_bytes = 44;

const std::uint8_t* bytes(const std::byte* at) noexcept {
  return reinterpret_cast<const std::uint8_t*>(at);
}

}  // namespace

bool verify_ed25519(const std::byte* signature, const std::byte* key,
                    std::span<const std::byte> message) noexcept {
  return crypto_sign_verify_detached(bytes(signature), bytes(message.data()), message.size(),
                                     bytes(key)) == 0;
}

bool Reference::verify(const Lane& lane) const noexcept {
  switch (lane.type) {
    case channel::KeyType::secp256k1:
      return secp256k1_.verify(lane.signature, lane.digest, lane.key);
    case channel::KeyType::ed25519:
      return verify_ed25519(lane.signature, lane.key, {lane.message, message_bytes});
  }
  return false;
}

Expected<Verifier> Verifier::create(const secp::EngineOptions& options) {
  if (sodium_init() < 0) return fail("libsodium does not start", "verify");
  auto engine = secp::Engine::create(options);
  if (!engine) return std::unexpected(engine.error());
  return Verifier(std::move(*engine));
}

void Verifier::submit(const Lane& lane) noexcept {
  Flight& flight = flights_[submitted_++ % lanes_max];
  flight = {lane, lane.type == channel::KeyType::ed25519, false, false};
  if (flight.ed25519) {
    ++ed25519_waiting_;
  } else {
    engine_.submit({.signature = lane.signature,
                    .digest = lane.digest,
                    .key = lane.key,
                    .key_number = lane.key_number});
  }
}

unsigned Verifier::poll(std::span<bool> results) noexcept {
  // Either takes its share of the 100 µs after which a worker must be back at its queue.
  ed25519_turn_ = !ed25519_turn_ && ed25519_waiting_ > 0;
  if (ed25519_turn_) {
    ed25519_next_ = std::max(ed25519_next_, answered_);
    while (!flights_[ed25519_next_ % lanes_max].ed25519) ++ed25519_next_;
    Flight& flight = flights_[ed25519_next_++ % lanes_max];
    flight.good = verify_ed25519(flight.lane.signature, flight.lane.key,
                                 {flight.lane.message, message_bytes});
    flight.known = true;
    --ed25519_waiting_;
  } else {
    const unsigned decided = engine_.poll(results);
    secp256k1_next_ = std::max(secp256k1_next_, answered_);  // places before it are others' by now
    for (unsigned i = 0; i < decided; ++i) {
      while (flights_[secp256k1_next_ % lanes_max].ed25519) ++secp256k1_next_;
      Flight& flight = flights_[secp256k1_next_++ % lanes_max];
      flight.good = results[i];
      flight.known = true;
    }
  }
  unsigned count = 0;
  for (; answered_ < submitted_ && flights_[answered_ % lanes_max].known; ++answered_) {
    results[count++] = flights_[answered_ % lanes_max].good;
  }
  return count;
}

}  // namespace claimgate::verify
