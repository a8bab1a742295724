// libFuzzer target of the state file's reader (lib/channel/snapshot), with the checksums put right
// so that what lies behind them is reached.
//
// Input: a switch, then pages without the zeros at their ends: a length of two bytes,
// little-endian, and so many bytes. With bit 0 of the switch set every page is sealed: magic,
// number, stamp and checksum as FORMAT.md has them. With bit 1 set, the header's sizes and counts,
// too, of format 1 where bit 2 is set. What holds for each:
//   · a file is loaded or refused with words, and where it is refused no channel was delivered;
//   · a file is loaded twice to the same, and has as many channels as it says;
//   · each channel is what the offsets of FORMAT.md say of its record;
//   · what a table made of it, saved and loaded again, is the same.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "lib/channel/snapshot.hpp"
#include "lib/memory/crc32c.hpp"
#include "lib/wire/endian.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace claimgate;
using namespace claimgate::channel;
using fuzz::require;
using fuzz::require_printable;
using Bytes = std::vector<std::byte>;

constexpr std::size_t page_bytes = snapshot::page_bytes;
constexpr std::size_t pages_max = 6;

// How records lie in their pages, by format.
struct Shape {
  std::uint16_t major;
  std::uint32_t record_bytes, records_per_page;
};
constexpr Shape format_1{1, 252, 16}, format_2{2, 268, 15};

Bytes unpacked(const std::uint8_t* input, std::size_t size) {
  Bytes file;
  while (size >= 2 && file.size() < pages_max * page_bytes) {
    std::size_t length = input[0] | input[1] << 8;
    input += 2;
    size -= 2;
    length = std::min({length, size, page_bytes});
    const std::size_t at = file.size();
    file.resize(at + page_bytes);
    std::memcpy(file.data() + at, input, length);
    input += length;
    size -= length;
  }
  if (size == 1) file.resize(file.size() - std::min<std::size_t>(file.size(), input[0]));
  return file;
}

void seal(std::byte* page, const char* magic) {
  std::memcpy(page, magic, 8);
  wire::store_raw(page + 8, memory::crc32c({page + 12, page_bytes - 12}));
}

void seal_all(Bytes& file, const Shape* counted) {
  const std::size_t pages = file.size() / page_bytes;
  if (pages == 0) return;
  std::byte* const header = file.data();
  const std::uint64_t channels = wire::load_raw<std::uint64_t>(header + 32);
  if (counted != nullptr) {
    wire::store_raw(header + 12, counted->major);
    wire::store_raw(header + 16, std::uint64_t{0});
    wire::store_raw(header + 24, std::uint32_t{page_bytes});
    wire::store_raw(header + 28, counted->record_bytes);
    // The last page holds 1 to all that fit, whatever the input says.
    const std::uint32_t fit = counted->records_per_page;
    const auto last = static_cast<std::uint32_t>(1 + channels % fit);
    const std::uint64_t all = pages > 1 ? (pages - 2) * std::uint64_t{fit} + last : 0;
    wire::store_raw(header + 32, all);
    wire::store_raw(header + 40, std::uint64_t{pages - 1});
    for (std::size_t i = 1; i < pages; ++i)
      wire::store_raw(header + i * page_bytes + 12, i + 1 < pages ? fit : last);
  }
  seal(header, "CGTABLE");
  const std::uint32_t stamp = memory::crc32c({header + 48, 32});
  for (std::size_t i = 1; i < pages; ++i) {
    std::byte* const page = header + i * page_bytes;
    wire::store_raw(page + 16, std::uint64_t{i});
    wire::store_raw(page + 24, stamp);
    seal(page, "CGPAGE\0");
  }
}

// A file in memory that has a path.
class MemoryFile {
 public:
  explicit MemoryFile(const Bytes& bytes) : fd_(::memfd_create("state", MFD_CLOEXEC)) {
    require(fd_ >= 0, "there is memory for a file");
    require(::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
            "and it takes all");
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

template <class T>
bool says(const std::byte* record, std::size_t at, const T& value) {
  return std::memcmp(record + at, &value, sizeof value) == 0;
}

// Offsets as in FORMAT.md, "Record".
bool is_record(const std::byte* at, const ChannelView& view, const Shape& shape) {
  const ChannelTerms& terms = view.terms;
  return says(at, 0, terms.id.bytes) && says(at, 32, terms.key.bytes) &&
         says(at, 96, terms.source) && says(at, 116, view.signature) &&
         says(at, 180, terms.funded.value) && says(at, 188, terms.balance.value) &&
         says(at, 196, view.held.value) && says(at, 204, view.lsn) &&
         says(at, 212, terms.expiration) && says(at, 216, terms.cancel_after) &&
         says(at, 220, terms.valid_until) && says(at, 224, terms.settle_delay_s) &&
         says(at, 228, terms.ledger_index) && says(at, 232, view.incarnation) &&
         says(at, 236, view.last_activity) && says(at, 240, terms.source_tag) &&
         says(at, 242, terms.service_class) && says(at, 243, terms.key.type) &&
         (shape.major == 1 ? terms.destination == decltype(terms.destination){}
                           : says(at, 244, terms.destination));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  if (size == 0) return 0;
  Bytes file = unpacked(input + 1, size - 1);
  const Shape* const wanted = (input[0] & 4) != 0 ? &format_1 : &format_2;
  if ((input[0] & 1) != 0) seal_all(file, (input[0] & 2) != 0 ? wanted : nullptr);
  const MemoryFile state(file);
  std::vector<ChannelView> views;
  const auto loaded = load_snapshot(state.path(), [&](const ChannelView& view) -> Expected<void> {
    views.push_back(view);
    return {};
  });
  if (!loaded) {
    require(views.empty(), "nothing of a file that is refused is delivered");
    require_printable(loaded.error().text());
    require(!loaded.error().remedy.empty(), "there is something to do about it");
    return 0;
  }
  require(views.size() == loaded->channels, "a file has as many channels as it says");
  const auto major = wire::load_raw<std::uint16_t>(file.data() + 12);
  require(major == 1 || major == 2, "only known formats are read");
  const Shape& shape = major == 1 ? format_1 : format_2;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const std::size_t page = 1 + i / shape.records_per_page;
    const std::byte* const record = file.data() + page * page_bytes + snapshot::page_header_bytes +
                                    i % shape.records_per_page * shape.record_bytes;
    require(is_record(record, views[i], shape), "a channel is what its record says");
    require(views[i].incarnation > 0, "a channel has its incarnation");
    require(loaded->header.next_incarnation > views[i].incarnation ||
                loaded->header.next_incarnation == incarnation_end,
            "the next incarnation is above all in the file");
  }
  const auto verified = load_snapshot(state.path(), {});
  require(verified && verified->channels == loaded->channels &&
              verified->header.next_incarnation == loaded->header.next_incarnation,
          "verifying alone says the same");
  return 0;
}
