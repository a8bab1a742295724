#include "tests/system/metrics.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

namespace claimgate::system_test {
namespace {

std::string get(std::uint16_t port) {
  const int peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::string answer;
  if (::connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    constexpr std::string_view request =
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    (void)::send(peer, request.data(), request.size(), MSG_NOSIGNAL);
    std::array<char, 65'536> part;
    for (ssize_t got = 0; (got = ::recv(peer, part.data(), part.size(), 0)) > 0;) {
      answer.append(part.data(), static_cast<std::size_t>(got));
    }
  }
  ::close(peer);
  return answer;
}

// The bodies of a chunked answer, put together (RFC 9112 §7.1).
std::string without_chunks(const std::string& body) {
  std::string whole;
  std::size_t at = 0;
  for (;;) {
    const std::size_t end = body.find("\r\n", at);
    if (end == body.npos) return whole;
    const std::size_t size = std::stoul(body.substr(at, end - at), nullptr, 16);
    if (size == 0) return whole;
    whole += body.substr(end + 2, size);
    at = end + 2 + size + 2;
  }
}

bool counts_frames(const std::string& series) {
  return series.starts_with("claimgate_datagrams_") || series.starts_with("claimgate_claims_") ||
         series.starts_with("claimgate_neighbours_") ||
         series.starts_with("claimgate_transmit_failed") ||
         series.starts_with("claimgate_signatures_");
}

}  // namespace

double Samples::at(const std::string& series) const {
  const auto found = values.find(series);
  if (found == values.end()) throw std::out_of_range("/metrics has no " + series);
  return found->second;
}
double Samples::worker(std::string_view family) const {
  return at(fmt::format("{}{{worker=\"0\"}}", family));
}
double Samples::dropped(std::string_view reason) const {
  return at(fmt::format("claimgate_datagrams_dropped_total{{worker=\"0\",reason=\"{}\"}}", reason));
}
double Samples::verdicts(std::string_view code) const {
  return at(fmt::format("claimgate_claims_verdicts_total{{worker=\"0\",code=\"{}\"}}", code));
}
double Samples::sum(std::string_view family) const {
  double total = 0;
  for (const auto& [series, value] : values) {
    if (series.substr(0, series.find('{')) == family) total += value;
  }
  return total;
}

Samples scrape(std::uint16_t port) {
  const std::string answer = get(port);
  const std::size_t split = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 200") || split == answer.npos) {
    throw std::runtime_error(
        fmt::format("port {} serves no metrics: \"{}\"", port, answer.substr(0, 80)));
  }
  const std::string head = answer.substr(0, split);
  Samples samples;
  samples.text = answer.substr(split + 4);
  if (head.find("chunked") != head.npos) samples.text = without_chunks(samples.text);
  if (const auto at = head.find("Content-Type: "); at != head.npos) {
    samples.content_type = head.substr(at + 14, head.find("\r\n", at) - at - 14);
  }
  std::istringstream lines(samples.text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t space = line.rfind(' ');
    samples.values[line.substr(0, space)] = std::stod(line.substr(space + 1));
  }
  return samples;
}

std::vector<std::string> accounting_errors(const Samples& samples) {
  std::vector<std::string> errors;
  const auto equal = [&errors](std::string_view what, double left, double right) {
    if (left != right) errors.push_back(fmt::format("{}: {} against {}", what, left, right));
  };
  equal("datagrams received against their outcomes",
        samples.worker("claimgate_datagrams_received_total"),
        samples.sum("claimgate_datagrams_dropped_total") +
            samples.worker("claimgate_datagrams_answered_total") +
            samples.worker("claimgate_neighbours_answered_total") +
            samples.worker("claimgate_datagrams_silenced_total") +
            samples.worker("claimgate_transmit_failed_total") +
            samples.worker("claimgate_datagrams_held"));
  equal("claims parsed against verdicts and claims in flight",
        samples.worker("claimgate_claims_parsed_total"),
        samples.sum("claimgate_claims_verdicts_total") +
            samples.worker("claimgate_claims_in_flight"));
  return errors;
}

std::vector<std::string> moved(const Samples& before, const Samples& after) {
  std::vector<std::string> found;
  for (const auto& [series, value] : after.values) {
    if (!counts_frames(series)) continue;
    const double change = value - before.at(series);
    if (change != 0) found.push_back(fmt::format("{} {:+g}", series, change));
  }
  return found;
}

}  // namespace claimgate::system_test
