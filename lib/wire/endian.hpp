// Endian-explicit loads and stores. The only way in which this project reads integers off the wire.
// Any alignment, any thread; a pointer must have the whole width readable or writable behind it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace claimgate::wire {

static_assert(std::endian::native == std::endian::little, "claimgate runs on x86-64");

template <class T>
[[nodiscard]] inline T load_be(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return std::byteswap(value);
}

template <class T>
inline void store_be(std::byte* at, T value) noexcept {
  value = std::byteswap(value);
  std::memcpy(at, &value, sizeof value);
}

// Memory order of the host, for bytes that are only carried (an echoed timestamp).
template <class T>
[[nodiscard]] inline T load_raw(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T>
inline void store_raw(std::byte* at, T value) noexcept {
  std::memcpy(at, &value, sizeof value);
}

}  // namespace claimgate::wire
