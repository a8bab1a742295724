#include "lib/packet/addresses.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

namespace claimgate::packet {
namespace {

// The value of one or two hexadecimal digits, or -1.
int hex_octet(std::string_view digits) {
  if (digits.empty() || digits.size() > 2) return -1;
  int value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return error == std::errc() && end == digits.data() + digits.size() && value >= 0 ? value : -1;
}

struct Prefix {
  IpAddress address;
  unsigned bits = 0;
};

Expected<Prefix> parse_prefix(std::string_view cidr) {
  const std::size_t slash = cidr.find('/');
  auto address = parse_ip(cidr.substr(0, slash));
  if (!address) return std::unexpected(address.error());
  const unsigned bits_max = address->is_v6 ? 128 : 32;
  if (slash == std::string_view::npos) return Prefix{*address, bits_max};
  const std::string_view digits = cidr.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits, 10);
  if (error != std::errc() || end != digits.data() + digits.size() || bits == 0 ||
      bits > bits_max) {
    return fail("no such prefix length", std::string(cidr),
                fmt::format("write a number from 1 to {} behind the slash", bits_max));
  }
  return Prefix{*address, bits};
}

}  // namespace

Expected<Mac> parse_mac(std::string_view text) {
  Mac mac;
  std::size_t at = 0;
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    const std::size_t colon = text.find(':', at);
    const bool last = i + 1 == mac.bytes.size();
    const int octet = hex_octet(text.substr(at, last ? text.npos : colon - at));
    if (octet < 0 || (colon == text.npos) != last) {
      return fail("not an Ethernet address", std::string(text), "write it as 02:00:00:00:00:01");
    }
    mac.bytes[i] = static_cast<std::uint8_t>(octet);
    at = colon + 1;
  }
  return mac;
}

Expected<IpAddress> parse_ip(std::string_view text) {
  const std::string terminated(text);
  IpAddress address;
  std::array<std::byte, 16> bytes;
  // A zero inside the text would end it for inet_pton.
  if (text.find('\0') == text.npos) {
    if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) {
      address.v4.value = wire::load_be<std::uint32_t>(bytes.data());
      return address;
    }
    if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) {
      address.is_v6 = true;
      address.v6 = load_ipv6(bytes.data());
      return address;
    }
  }
  return fail("not an IP address", terminated, "write it as 192.0.2.1 or 2001:db8::1");
}

std::string text(const Mac& mac) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t octet : mac.bytes) {
    if (!out.empty()) out += ':';
    out += digits[octet >> 4];
    out += digits[octet & 0xF];
  }
  return out;
}

std::string text(const IpAddress& address) {
  std::array<std::byte, 16> bytes;
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (address.is_v6) {
    store_ipv6(bytes.data(), address.v6);
  } else {
    wire::store_be(bytes.data(), address.v4.value);
  }
  inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, bytes.data(), out.data(), out.size());
  return out.data();
}

Expected<void> LocalAddresses::add(std::string_view cidr) {
  const auto prefix = parse_prefix(cidr);
  if (!prefix) return std::unexpected(prefix.error());
  const IpAddress& address = prefix->address;
  const bool unicast = address.is_v6 ? unicast_v6(address.v6) : unicast_v4(address.v4);
  const std::string where(cidr);
  if (!unicast) return fail("not a unicast address", where, "give one that a host may have");
  if (address.is_v6 ? owns_v6(address.v6) : owns_v4(address.v4)) {
    return fail("this address is given twice", where, "remove one of the two");
  }
  if ((address.is_v6 ? v6_count_ : v4_count_) >= addresses_per_family_max) {
    return fail("more than 8 addresses of a family", where, "remove some");
  }
  if (address.is_v6) {
    v6_[v6_count_++] = address.v6;
    return {};
  }
  std::uint32_t broadcast = limited_broadcast.value;
  if (prefix->bits <= 30) {
    const std::uint32_t host_bits = 0xFFFF'FFFFu >> prefix->bits;
    broadcast = address.v4.value | host_bits;
    if (address.v4.value == broadcast || (address.v4.value & host_bits) == 0) {
      return fail("this is a network's own or broadcast address", where,
                  "give a host's address, or the right prefix length");
    }
  }
  for (std::size_t i = v4_count_; i < v4_.size(); ++i) v4_[i] = address.v4.value;
  broadcasts_[v4_count_++] = broadcast;
  return {};
}

Expected<LocalAddresses> LocalAddresses::parse(const Mac& mac, std::span<const std::string> cidrs,
                                               bool any_address) {
  LocalAddresses local;
  if (mac.multicast()) {
    return fail("a multicast Ethernet address cannot be ours", text(mac), "clear its lowest bit");
  }
  local.mac_ = mac;
  local.any_address_ = any_address;
  for (const std::string& cidr : cidrs) {
    if (auto added = local.add(cidr); !added) return std::unexpected(added.error());
  }
  if (cidrs.empty() && !any_address) {
    return fail("no address is ours", {}, "configure at least one, or any_address = true");
  }
  const Ipv6Address own_link_local = link_local(mac);
  if (mac != Mac{} && !local.owns_v6(own_link_local)) local.v6_[local.v6_count_++] = own_link_local;
  return local;
}

}  // namespace claimgate::packet
