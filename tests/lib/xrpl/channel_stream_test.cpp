// Long and hostile inputs: what the reader holds at once, measured by counting every allocation.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "tests/lib/xrpl/answers.hpp"

namespace {
std::size_t live_bytes = 0, peak_bytes = 0;
}

// One thread only. The aligned forms keep the library's own implementation: nothing here is
// over-aligned.
void* operator new(std::size_t size) {
  void* at = std::malloc(size);
  if (at == nullptr) throw std::bad_alloc();
  live_bytes += malloc_usable_size(at);
  peak_bytes = std::max(peak_bytes, live_bytes);
  return at;
}
void operator delete(void* at) noexcept {
  if (at == nullptr) return;
  live_bytes -= malloc_usable_size(at);
  std::free(at);
}
void operator delete(void* at, std::size_t) noexcept {
  operator delete(at);
}

namespace claimgate::xrpl {
namespace {

// An input of `head`, then `count` times `piece`, then `tail`, never all in memory.
class Endless {
 public:
  Endless(std::string head, std::string piece, std::uint64_t count, std::string tail)
      : parts_{std::move(head), std::move(piece), std::move(tail)}, left_(count) {}
  Expected<std::size_t> operator()(std::span<char> block) {
    std::size_t filled = 0;
    while (filled < block.size() && part_ < 3) {
      const std::string& text = parts_[part_];
      const std::size_t count = std::min(block.size() - filled, text.size() - at_);
      std::copy_n(text.data() + at_, count, block.data() + filled);
      filled += count;
      at_ += count;
      if (at_ < text.size()) continue;
      at_ = 0;
      if (part_ != 1 || --left_ == 0) ++part_;
    }
    return filled;
  }

 private:
  std::string parts_[3];
  std::uint64_t left_;
  std::size_t part_ = 0, at_ = 0;
};

struct Measured {
  Expected<ReadTotals> totals;
  std::size_t peak = 0;  // above what was held before
  std::uint64_t taken = 0, reports = 0;
};

Measured measure(std::string head, std::string piece, std::uint64_t count, std::string tail) {
  Measured measured{fail("not read"), 0, 0, 0};
  const ReadBytes source = Endless(std::move(head), std::move(piece), count, std::move(tail));
  const ChannelSink sink{
      .on_channel = {}, .on_answer = {}, .on_progress = [&](std::uint64_t bytes) {
        EXPECT_GT(bytes, measured.taken);
        measured.taken = bytes;
        ++measured.reports;
      }};
  peak_bytes = live_bytes;
  const std::size_t before = live_bytes;
  measured.totals = read_channels(source, sink, "stream");
  measured.peak = peak_bytes - before;
  return measured;
}

TEST(ChannelStream, AHundredThousandChannelsAreReadInLessThanAQuarterMegabyte) {
  const auto measured = measure(R"({"result":{"channels":[)", test::listed_channel() + ",\n",
                                99'999, test::listed_channel() + R"(],"validated":true}})");
  ASSERT_TRUE(measured.totals) << measured.totals.error().text();
  EXPECT_EQ(measured.totals->channels, 100'000U);
  EXPECT_EQ(measured.totals->bytes, measured.taken);
  EXPECT_GE(measured.reports, measured.taken / (64 << 10));
  EXPECT_LT(measured.peak, 256U << 10);
  EXPECT_GT(measured.peak, 64U << 10);  // the block itself: the count works
}

TEST(ChannelStream, HostileInputWithoutEndIsCutOffEarlyAndCheaply) {
  constexpr std::uint64_t endless = 1'000'000'000'000;
  const std::pair<std::string, std::string> cases[] = {
      {"{", " "},
      {R"({"x":")", "a"},
      {R"({"x":")", R"(\")"},
      {R"({"x":")", R"(\u0001)"},
      {R"({")", "k"},
      {R"({"x":)", "1"},
      {R"({"x":)", "-"},
      {R"({"x":)", "1e"},
      {R"({"x":)", "["},
      {R"({"x":)", R"({"x":)"},
      {R"({"x":[)", "true,"},
      {R"({"x":[)", "{},"},
      {R"({"x":[)", "[],\n"},
      {"[", "\t"},
      {"", "\xFF"},
  };
  for (const auto& [head, piece] : cases) {
    const auto measured = measure(head, piece, endless, "");
    ASSERT_FALSE(measured.totals) << head << piece;
    EXPECT_LE(measured.taken, json_token_bytes_max + (256U << 10)) << head << piece;
    EXPECT_LT(measured.peak, 8U << 20) << head << piece;
  }
}

}  // namespace
}  // namespace claimgate::xrpl
