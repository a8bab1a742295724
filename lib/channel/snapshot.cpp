#include "lib/channel/snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "lib/memory/crc32c.hpp"
#include "lib/memory/file.hpp"

namespace claimgate::channel {
namespace {

using namespace snapshot;

using Magic = std::array<char, 8>;
constexpr Magic header_magic = {'C', 'G', 'T', 'A', 'B', 'L', 'E', '\0'};
constexpr Magic page_magic = {'C', 'G', 'P', 'A', 'G', 'E', '\0', '\0'};

// Offsets within a page of either kind, then within each kind (FORMAT.md).
constexpr std::size_t at_crc = 8, at_guarded = 12;
constexpr std::size_t at_major = 12, at_minor = 14, at_features = 16, at_page_bytes = 24,
                      at_record_bytes = 28, at_channels = 32, at_pages = 40, at_uuid = 48,
                      at_next_incarnation = 64, at_saved_at = 72, at_header_end = 80;
constexpr std::size_t at_page_records = 12, at_page_number = 16, at_page_stamp = 24;

constexpr std::size_t pages_at_once = 256;
constexpr const char* remedy_damaged =
    "restore the file from a copy, or move it away to start "
    "without channels and import them again";

template <class T>
T get(const std::byte* page, std::size_t at) noexcept {
  return wire::load_raw<T>(page + at);  // the file is little-endian, as the host is (endian.hpp)
}

template <class T>
void put(std::byte* page, std::size_t at, T value) noexcept {
  wire::store_raw(page + at, value);
}

bool has_magic(const std::byte* page, const Magic& magic) noexcept {
  return std::memcmp(page, magic.data(), magic.size()) == 0;
}

std::uint32_t page_crc(const std::byte* page) noexcept {
  return memory::crc32c({page + at_guarded, page_bytes - at_guarded});
}

// Ties every page to its header, so that pages of another save never pass for this one's.
std::uint32_t stamp_of(const std::byte* header_page) noexcept {
  return memory::crc32c({header_page + at_uuid, at_header_end - at_uuid});
}

void seal(std::byte* page, const Magic& magic) noexcept {
  std::memcpy(page, magic.data(), magic.size());
  put(page, at_crc, page_crc(page));
}

// Visits a record's fields in the order of the file; reading and writing share the list, so they
// cannot drift apart.
template <class View, class Visit>
void for_each_field(View& view, bool has_destination, Visit&& visit) {
  auto& terms = view.terms;
  visit(terms.id.bytes);
  visit(terms.key.bytes);
  visit(terms.source);
  visit(view.signature);
  visit(terms.funded.value);
  visit(terms.balance.value);
  visit(view.held.value);
  visit(view.lsn);
  visit(terms.expiration);
  visit(terms.cancel_after);
  visit(terms.valid_until);
  visit(terms.settle_delay_s);
  visit(terms.ledger_index);
  visit(view.incarnation);
  visit(view.last_activity);
  visit(terms.source_tag);
  visit(terms.service_class);
  visit(terms.key.type);
  if (has_destination) visit(terms.destination);
}
constexpr std::size_t record_used_bytes = 264;  // the rest is reserved, zero
static_assert(record_used_bytes == 32 + 64 + 20 + 64 + 4 * 8 + 7 * 4 + 2 + 1 + 1 + 20 &&
              record_used_bytes <= record_bytes);

// How records lie in their pages, by major version.
struct Shape {
  std::size_t record_bytes;
  std::size_t records_per_page;
  bool has_destination;
};
constexpr Shape shape_1{252, 16, false};
constexpr Shape shape_now{record_bytes, records_per_page, true};

ChannelView read_shaped(const std::byte* from, const Shape& shape) noexcept {
  ChannelView view;
  for_each_field(view, shape.has_destination, [&](auto& field) {
    std::memcpy(&field, from, sizeof field);
    from += sizeof field;
  });
  return view;
}

}  // namespace

void snapshot::write_record(std::byte* to, const ChannelView& view) noexcept {
  for_each_field(view, shape_now.has_destination, [&](const auto& field) {
    std::memcpy(to, &field, sizeof field);
    to += sizeof field;
  });
  std::memset(to, 0, record_bytes - record_used_bytes);
}

ChannelView snapshot::read_record(const std::byte* from) noexcept {
  return read_shaped(from, shape_now);
}

bool snapshot::possible(const ChannelView& view) noexcept {
  const KeyType type = view.terms.key.type;
  return view.incarnation > 0 && (type == KeyType::secp256k1 || type == KeyType::ed25519);
}

namespace {

// Gathers records into pages and pages into large writes.
class PageWriter {
 public:
  PageWriter(memory::FileReplacement& file, std::uint32_t stamp)
      : file_(file), stamp_(stamp), buffer_(pages_at_once * page_bytes) {}

  Expected<void> add(const ChannelView& view) {
    write_record(page() + page_header_bytes + in_page_ * record_bytes, view);
    ++records_;
    return ++in_page_ == records_per_page ? end_page() : Expected<void>{};
  }

  Expected<void> finish() {
    if (in_page_ > 0) {
      if (auto ended = end_page(); !ended) return ended;
    }
    return flush();
  }

  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }
  [[nodiscard]] std::uint64_t pages() const noexcept { return pages_; }

 private:
  std::byte* page() noexcept { return buffer_.data() + buffered_ * page_bytes; }

  Expected<void> end_page() {
    put(page(), at_page_records, in_page_);
    put(page(), at_page_number, ++pages_);
    put(page(), at_page_stamp, stamp_);
    seal(page(), page_magic);
    in_page_ = 0;
    return ++buffered_ == pages_at_once ? flush() : Expected<void>{};
  }

  Expected<void> flush() {
    auto written = file_.append({buffer_.data(), buffered_ * page_bytes});
    std::fill(buffer_.begin(), buffer_.end(), std::byte{0});
    buffered_ = 0;
    return written;
  }

  memory::FileReplacement& file_;
  std::uint32_t stamp_;
  std::vector<std::byte> buffer_;
  std::size_t buffered_ = 0;  // whole pages in buffer_
  std::uint32_t in_page_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t pages_ = 0;
};

struct Opened {
  SnapshotInfo info;
  Shape shape;
  std::uint64_t pages;
  std::uint32_t stamp;
};

// Every field that decides how the rest is read.
Expected<Opened> check_header(const std::byte* page, const std::string& path,
                              std::uint64_t file_bytes) {
  if (!has_magic(page, header_magic)) {
    return fail("not a claimgate state file (wrong first bytes, offset 0)", path,
                "move it away to start without channels, or name another node.state_dir");
  }
  if (get<std::uint32_t>(page, at_crc) != page_crc(page)) {
    return fail("damaged: wrong checksum of the header page, offset 0", path, remedy_damaged);
  }
  const auto major = get<std::uint16_t>(page, at_major);
  if ((major != 1 && major != format_major) || get<std::uint64_t>(page, at_features) != 0) {
    return fail(fmt::format("state file format {}.{} (features {:#x}, offset {}); this version "
                            "reads formats 1 and {} without features",
                            major, get<std::uint16_t>(page, at_minor),
                            get<std::uint64_t>(page, at_features), at_major, format_major),
                path, "use the claimd version that wrote it, or a newer one");
  }
  Opened out{};
  out.shape = major == 1 ? shape_1 : shape_now;
  out.info.channels = get<std::uint64_t>(page, at_channels);
  out.pages = get<std::uint64_t>(page, at_pages);
  const std::size_t per_page = out.shape.records_per_page;
  const bool possible = get<std::uint32_t>(page, at_page_bytes) == page_bytes &&
                        get<std::uint32_t>(page, at_record_bytes) == out.shape.record_bytes &&
                        out.info.channels <= std::uint64_t{capacity_max} * wire::virtual_shards &&
                        out.pages == (out.info.channels + per_page - 1) / per_page;
  if (!possible) {
    return fail(fmt::format("damaged: impossible sizes in the header, offset {}", at_page_bytes),
                path, remedy_damaged);
  }
  const std::uint64_t expected_bytes = (1 + out.pages) * page_bytes;
  if (file_bytes != expected_bytes) {
    return fail(fmt::format("{}: {} bytes, its header (offset {}) says {}",
                            file_bytes < expected_bytes ? "truncated" : "bytes behind the end",
                            file_bytes, at_pages, expected_bytes),
                path, remedy_damaged);
  }
  std::memcpy(out.info.header.node_uuid.data(), page + at_uuid, 16);
  out.info.header.next_incarnation = get<std::uint32_t>(page, at_next_incarnation);
  out.info.header.saved_at_unix_s = get<std::int64_t>(page, at_saved_at);
  out.stamp = stamp_of(page);
  return out;
}

// What is wrong with a page of records, or nullptr.
const char* page_fault(const std::byte* page, std::uint64_t number, const Opened& opened) {
  if (!has_magic(page, page_magic)) return "wrong first bytes of a page";
  if (get<std::uint32_t>(page, at_crc) != page_crc(page)) return "wrong checksum of a page";
  const std::uint64_t per_page = opened.shape.records_per_page;
  const std::uint64_t before = (number - 1) * per_page;
  const std::uint64_t records = std::min(opened.info.channels - before, per_page);
  if (get<std::uint64_t>(page, at_page_number) != number ||
      get<std::uint32_t>(page, at_page_stamp) != opened.stamp ||
      get<std::uint32_t>(page, at_page_records) != records) {
    return "a page from elsewhere";
  }
  return nullptr;
}

// One pass over all pages: each is verified, each record given to `each`.
Expected<void> walk(const memory::FileReader& file, const std::string& path, const Opened& opened,
                    const std::function<Expected<void>(const ChannelView&)>& each) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(opened.pages, pages_at_once) * page_bytes);
  for (std::uint64_t first = 1; first <= opened.pages; first += pages_at_once) {
    const std::uint64_t pages = std::min<std::uint64_t>(pages_at_once, opened.pages - first + 1);
    const std::span<std::byte> piece(buffer.data(), pages * page_bytes);
    if (auto read = file.read_at(first * page_bytes, piece); !read) return read;
    for (std::uint64_t i = 0; i < pages; ++i) {
      const std::byte* const page = piece.data() + i * page_bytes;
      const std::uint64_t offset = (first + i) * page_bytes;
      if (const char* fault = page_fault(page, first + i, opened)) {
        return fail(fmt::format("damaged: {}, offset {}", fault, offset), path, remedy_damaged);
      }
      const auto records = get<std::uint32_t>(page, at_page_records);
      for (std::uint32_t j = 0; j < records; ++j) {
        const std::size_t at = page_header_bytes + j * opened.shape.record_bytes;
        const ChannelView view = read_shaped(page + at, opened.shape);
        if (!possible(view)) {
          return fail(fmt::format("damaged: an impossible record, offset {}", offset + at), path,
                      remedy_damaged);
        }
        if (auto taken = each(view); !taken) return taken;
      }
    }
  }
  return {};
}

}  // namespace

Expected<std::uint64_t> save_snapshot(const std::string& path, std::span<const Table* const> tables,
                                      const SnapshotHeader& header) {
  std::vector<std::byte> page(page_bytes);
  put(page.data(), at_major, format_major);
  put(page.data(), at_minor, format_minor);
  put(page.data(), at_page_bytes, static_cast<std::uint32_t>(page_bytes));
  put(page.data(), at_record_bytes, static_cast<std::uint32_t>(record_bytes));
  std::memcpy(page.data() + at_uuid, header.node_uuid.data(), header.node_uuid.size());
  put(page.data(), at_next_incarnation, header.next_incarnation);
  put(page.data(), at_saved_at, header.saved_at_unix_s);

  auto file = memory::FileReplacement::begin(path);
  if (!file) return std::unexpected(file.error());
  // Its place; the numbers of channels and pages are known at the end.
  if (auto wrote = file->append(page); !wrote) return std::unexpected(wrote.error());
  PageWriter writer(*file, stamp_of(page.data()));
  for (const Table* table : tables) {
    const SlotIndex end = table->slots_used();
    for (SlotIndex at = 0; at < end; ++at) {
      const auto view = table->view(at);
      if (!view) continue;
      if (auto added = writer.add(*view); !added) return std::unexpected(added.error());
    }
  }
  if (auto done = writer.finish(); !done) return std::unexpected(done.error());
  put(page.data(), at_channels, writer.records());
  put(page.data(), at_pages, writer.pages());
  seal(page.data(), header_magic);
  if (auto wrote = file->write_at(0, page); !wrote) return std::unexpected(wrote.error());
  if (auto committed = file->commit(); !committed) return std::unexpected(committed.error());
  return writer.records();
}

Expected<SnapshotInfo> load_snapshot(
    const std::string& path, const std::function<Expected<void>(const ChannelView&)>& deliver) {
  const auto file = memory::FileReader::open(path);
  if (!file) return std::unexpected(file.error());
  const auto file_bytes = file->size();
  if (!file_bytes) return std::unexpected(file_bytes.error());
  if (*file_bytes < page_bytes) {
    return fail(fmt::format("not a claimgate state file, or truncated: {} bytes", *file_bytes),
                path, remedy_damaged);
  }
  std::vector<std::byte> page(page_bytes);
  if (auto read = file->read_at(0, page); !read) return std::unexpected(read.error());
  auto opened = check_header(page.data(), path, *file_bytes);
  if (!opened) return std::unexpected(opened.error());

  std::uint32_t incarnation_max = 0;
  const auto verified = walk(*file, path, *opened, [&](const ChannelView& view) {
    incarnation_max = std::max(incarnation_max, view.incarnation);
    return Expected<void>{};
  });
  if (!verified) return std::unexpected(verified.error());
  auto& next_incarnation = opened->info.header.next_incarnation;
  next_incarnation = std::max(next_incarnation, std::min(incarnation_max, incarnation_end - 1) + 1);
  if (deliver) {
    if (auto done = walk(*file, path, *opened, deliver); !done) {
      return std::unexpected(done.error());
    }
  }
  return opened->info;
}

}  // namespace claimgate::channel
