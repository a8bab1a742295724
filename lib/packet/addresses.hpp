// Addresses, and which of them are ours.
//
// LocalAddresses is built once by the control path (parse) and then only read, by any number of
// threads. Its lookups are the hot path's: bounded, branch-free over eight IPv4 addresses.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lib/failure/failure.hpp"
#include "lib/wire/endian.hpp"

namespace claimgate::packet {

struct Mac {
  std::array<std::uint8_t, 6> bytes{};
  friend constexpr auto operator<=>(const Mac&, const Mac&) = default;
  [[nodiscard]] constexpr bool multicast() const noexcept { return (bytes[0] & 1) != 0; }
};
inline constexpr Mac broadcast_mac{{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}};

[[nodiscard]] inline Mac load_mac(const std::byte* at) noexcept {
  Mac mac;
  std::memcpy(mac.bytes.data(), at, mac.bytes.size());
  return mac;
}
inline void store_mac(std::byte* at, const Mac& mac) noexcept {
  std::memcpy(at, mac.bytes.data(), mac.bytes.size());
}

// Host order: 192.0.2.1 is 0xC0000201.
struct Ipv4Address {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(Ipv4Address, Ipv4Address) = default;
  [[nodiscard]] constexpr bool multicast() const noexcept { return value >> 28 == 0xE; }
  [[nodiscard]] constexpr bool loopback() const noexcept { return value >> 24 == 127; }
  // 0.0.0.0/8: "this host on this network" (RFC 1122 §3.2.1.3), nobody who could be answered.
  [[nodiscard]] constexpr bool unspecified() const noexcept { return value >> 24 == 0; }
};
inline constexpr Ipv4Address limited_broadcast{0xFFFF'FFFF};

// Host order: `high` holds the first eight bytes.
struct Ipv6Address {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend constexpr auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;
  [[nodiscard]] constexpr bool multicast() const noexcept { return high >> 56 == 0xFF; }
  [[nodiscard]] constexpr bool loopback() const noexcept { return high == 0 && low == 1; }
  [[nodiscard]] constexpr bool unspecified() const noexcept { return (high | low) == 0; }
  [[nodiscard]] constexpr bool mapped_v4() const noexcept {  // ::ffff:0:0/96
    return high == 0 && low >> 32 == 0xFFFF;
  }
};
inline constexpr Ipv6Address all_nodes{0xFF02'0000'0000'0000, 1};

[[nodiscard]] inline Ipv6Address load_ipv6(const std::byte* at) noexcept {
  return {wire::load_be<std::uint64_t>(at), wire::load_be<std::uint64_t>(at + 8)};
}
inline void store_ipv6(std::byte* at, const Ipv6Address& address) noexcept {
  wire::store_be(at, address.high);
  wire::store_be(at + 8, address.low);
}

// Where a neighbour solicitation for `target` is sent (RFC 4291 §2.7.1), and its Ethernet group
// (RFC 2464 §7).
[[nodiscard]] constexpr Ipv6Address solicited_node(const Ipv6Address& target) noexcept {
  return {0xFF02'0000'0000'0000, 0x0000'0001'FF00'0000 | (target.low & 0xFF'FFFF)};
}
[[nodiscard]] constexpr Mac multicast_mac(const Ipv6Address& group) noexcept {
  return {{0x33, 0x33, static_cast<std::uint8_t>(group.low >> 24),
           static_cast<std::uint8_t>(group.low >> 16), static_cast<std::uint8_t>(group.low >> 8),
           static_cast<std::uint8_t>(group.low)}};
}
// fe80:: with the modified EUI-64 of the MAC (RFC 4291 appendix A).
[[nodiscard]] constexpr Ipv6Address link_local(const Mac& mac) noexcept {
  const auto& b = mac.bytes;
  const std::uint64_t eui = std::uint64_t{b[0] ^ 2u} << 56 | std::uint64_t{b[1]} << 48 |
                            std::uint64_t{b[2]} << 40 | std::uint64_t{0xFFFE} << 24 |
                            std::uint64_t{b[3]} << 16 | std::uint64_t{b[4]} << 8 | b[5];
  return {0xFE80'0000'0000'0000, eui};
}

// Either family. The other family's member is zero.
struct IpAddress {
  bool is_v6 = false;
  Ipv4Address v4;
  Ipv6Address v6;
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

// Text forms. Errors: the text is no such address; `where` is the text.
[[nodiscard]] Expected<Mac> parse_mac(std::string_view text);       // "02:00:00:00:00:01"
[[nodiscard]] Expected<IpAddress> parse_ip(std::string_view text);  // "192.0.2.1", "2001:db8::1"
[[nodiscard]] std::string text(const Mac& mac);
[[nodiscard]] std::string text(const IpAddress& address);

// What we answer to: our MAC, at most eight IPv4 and eight IPv6 addresses with the length of their
// network's prefix, and the link-local address that follows from the MAC. The latter is always ours
// (as on every IPv6 host), because the kernel at the other end of a tap or veth uses link-local
// addresses by itself; only an all-zero MAC has none.
class LocalAddresses {
 public:
  static constexpr std::size_t addresses_per_family_max = 8;

  // `cidrs`: "192.0.2.1/24", "2001:db8::1/64"; without a length /32 and /128. With `any_address`
  // claims to every unicast address are accepted (packet generators); ARP, neighbour solicitations
  // and echo requests are still answered for the configured addresses only.
  // Errors: not an address, not unicast, prefix length out of range, given twice, a network's own
  // or broadcast address, too many of a family, a multicast MAC, or no address at all without
  // `any_address`.
  [[nodiscard]] static Expected<LocalAddresses> parse(const Mac& mac,
                                                      std::span<const std::string> cidrs,
                                                      bool any_address);

  [[nodiscard]] const Mac& mac() const noexcept { return mac_; }
  [[nodiscard]] bool any_address() const noexcept { return any_address_; }
  [[nodiscard]] std::size_t v4_count() const noexcept { return v4_count_; }
  [[nodiscard]] std::size_t v6_count() const noexcept { return v6_count_; }  // with link-local

  [[nodiscard]] bool owns_v4(Ipv4Address address) const noexcept {
    return any_equal(v4_, address.value) && v4_count_ != 0;
  }
  [[nodiscard]] bool owns_v6(const Ipv6Address& address) const noexcept {
    for (std::size_t i = 0; i < v6_count_; ++i) {
      if (v6_[i] == address) return true;
    }
    return false;
  }
  // 255.255.255.255, or the directed broadcast of one of our networks of /30 or shorter: /31 and
  // /32 have none (RFC 3021).
  [[nodiscard]] bool broadcast_v4(Ipv4Address address) const noexcept {
    return any_equal(broadcasts_, address.value);
  }
  // An address at which claims are taken. With any_address: every unicast one.
  [[nodiscard]] bool accepts_v4(Ipv4Address address) const noexcept {
    return owns_v4(address) || (any_address_ && unicast_v4(address));
  }
  [[nodiscard]] bool accepts_v6(const Ipv6Address& address) const noexcept {
    return owns_v6(address) || (any_address_ && unicast_v6(address));
  }

 private:
  using Eight = std::array<std::uint32_t, addresses_per_family_max>;

  // All eight are compared without a branch, so unused places repeat a used one.
  [[nodiscard]] static bool any_equal(const Eight& eight, std::uint32_t value) noexcept {
    std::uint32_t differs_everywhere = 1;
    for (const std::uint32_t each : eight) differs_everywhere &= each != value;
    return differs_everywhere == 0;
  }
  [[nodiscard]] bool unicast_v4(Ipv4Address address) const noexcept {
    return !address.multicast() && !address.loopback() && !address.unspecified() &&
           !broadcast_v4(address);
  }
  [[nodiscard]] static bool unicast_v6(const Ipv6Address& address) noexcept {
    return !address.multicast() && !address.loopback() && !address.unspecified() &&
           !address.mapped_v4();
  }
  [[nodiscard]] Expected<void> add(std::string_view cidr);

  Eight v4_{};
  Eight broadcasts_{limited_broadcast.value, limited_broadcast.value, limited_broadcast.value,
                    limited_broadcast.value, limited_broadcast.value, limited_broadcast.value,
                    limited_broadcast.value, limited_broadcast.value};
  std::array<Ipv6Address, addresses_per_family_max + 1> v6_{};  // and the link-local one
  Mac mac_;
  std::uint8_t v4_count_ = 0;
  std::uint8_t v6_count_ = 0;
  bool any_address_ = false;
};

}  // namespace claimgate::packet
