#include "lib/journal/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "lib/channel/snapshot.hpp"
#include "lib/journal/aligned_buffer.hpp"
#include "lib/memory/crc32c.hpp"

namespace claimgate::journal {
namespace {

using channel::snapshot::page_header_bytes;
using channel::snapshot::record_bytes;
using channel::snapshot::records_per_page;

constexpr unsigned files = 3;
constexpr std::size_t pages_at_once = 64;
constexpr std::array<char, 8> magic = {'C', 'G', 'C', 'H', 'K', 'P', 'T', '\0'};
constexpr std::size_t at_crc = 8, at_records = 12, at_page = 16, at_generation = 24, at_stamp = 32;
static_assert(channel::snapshot::page_bytes == page_bytes && at_stamp + 4 <= page_header_bytes);

std::uint32_t page_crc(const std::byte* page) noexcept {
  return memory::crc32c({page + at_records, page_bytes - at_records});
}

// Of the node and the generation: pages of another checkpoint never pass for this one's.
std::uint32_t stamp_of(const Uuid& node_uuid, std::uint64_t generation) noexcept {
  std::array<std::byte, 8> number;
  wire::store_raw(number.data(), generation);
  return memory::crc32c(number, memory::crc32c(node_uuid));
}

class PageWriter {
 public:
  PageWriter(File& file, std::uint64_t generation, std::uint32_t stamp, std::size_t slots,
             const Pace& pace)
      : file_(file),
        generation_(generation),
        stamp_(stamp),
        pace_(pace),
        buffer_pages_(std::min(slots / records_per_page + 1, pages_at_once)),
        buffer_(buffer_pages_ * page_bytes) {}

  Expected<void> add(const channel::ChannelView& view) {
    channel::snapshot::write_record(page() + page_header_bytes + in_page_ * record_bytes, view);
    ++channels_;
    return ++in_page_ == records_per_page ? end_page() : Expected<void>{};
  }
  Expected<void> finish() {
    if (in_page_ > 0) {
      if (auto ended = end_page(); !ended) return ended;
    }
    return flush();
  }
  [[nodiscard]] std::uint64_t channels() const noexcept { return channels_; }

 private:
  [[nodiscard]] std::byte* page() noexcept { return buffer_.data() + buffered_ * page_bytes; }

  Expected<void> end_page() {
    std::byte* const at = page();
    std::memcpy(at, magic.data(), magic.size());
    wire::store_raw(at + at_records, in_page_);
    wire::store_raw(at + at_page, pages_++);
    wire::store_raw(at + at_generation, generation_);
    wire::store_raw(at + at_stamp, stamp_);
    wire::store_raw(at + at_crc, page_crc(at));
    in_page_ = 0;
    return ++buffered_ == buffer_pages_ ? flush() : Expected<void>{};
  }

  Expected<void> flush() {
    const std::size_t bytes = buffered_ * page_bytes;
    if (bytes == 0) return {};
    const std::uint64_t offset = pages_ * page_bytes - bytes;
    if (auto written = file_.write(offset, buffer_.first(bytes)); !written) return written;
    std::memset(buffer_.data(), 0, bytes);
    buffered_ = 0;
    return pace_ ? pace_(bytes) : Expected<void>{};
  }

  File& file_;
  const std::uint64_t generation_;
  const std::uint32_t stamp_;
  const Pace& pace_;
  const std::size_t buffer_pages_;
  AlignedBuffer buffer_;
  std::size_t buffered_ = 0;  // whole pages in buffer_
  std::uint32_t in_page_ = 0;
  std::uint64_t pages_ = 0;
  std::uint64_t channels_ = 0;
};

Expected<std::unique_ptr<File>> open_or_create(Storage& storage, const std::string& path) {
  auto entries = storage.list("");
  if (!entries) return std::unexpected(entries.error());
  if (std::ranges::find(*entries, path, &FolderEntry::name) != entries->end()) {
    return storage.open(path, Access::read_write);
  }
  auto file = storage.create(path, 0);
  if (!file) return file;
  if (auto synced = storage.sync_folder(""); !synced) return std::unexpected(synced.error());
  return file;
}

// What is wrong with a page, or nullptr.
const char* page_fault(const std::byte* page, std::uint64_t number, const CheckpointRef& ref) {
  if (std::memcmp(page, magic.data(), magic.size()) != 0) return "wrong first bytes of a page";
  if (wire::load_raw<std::uint32_t>(page + at_crc) != page_crc(page)) {
    return "wrong checksum of a page";
  }
  const std::uint64_t records =
      std::min<std::uint64_t>(ref.channels - number * records_per_page, records_per_page);
  if (wire::load_raw<std::uint64_t>(page + at_page) != number ||
      wire::load_raw<std::uint64_t>(page + at_generation) != ref.generation ||
      wire::load_raw<std::uint32_t>(page + at_stamp) != ref.stamp ||
      wire::load_raw<std::uint32_t>(page + at_records) != records) {
    return "a page from elsewhere";
  }
  return nullptr;
}

using DeliverChannel = std::function<Expected<void>(const channel::ChannelView&)>;

using ReportFault = std::function<Expected<void>(const Failure&)>;

// The first fault ends it.
Expected<void> give_up(const Failure& failure) {
  return std::unexpected(failure);
}

Expected<void> walk(Storage& storage, const CheckpointRef& ref, const DeliverChannel& deliver,
                    const ReportFault& report, const Pace& pace) {
  const std::string path = checkpoint_path(ref.generation);
  const auto damaged = [&](const char* what, std::uint64_t offset) {
    return report({fmt::format("damaged: {}, offset {}", what, offset), storage.where(path),
                   "Restore the state folder from a backup ('claimctl restore')"});
  };
  auto file = storage.open(path, Access::read_only);
  if (!file) return std::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  const std::uint64_t pages = checkpoint_bytes(ref.channels) / page_bytes;
  if (*size < pages * page_bytes) return damaged("cut short", *size);
  AlignedBuffer buffer(std::min<std::uint64_t>(pages, pages_at_once) * page_bytes);
  for (std::uint64_t first = 0; first < pages; first += pages_at_once) {
    const std::uint64_t count = std::min<std::uint64_t>(pages_at_once, pages - first);
    if (auto read = (*file)->read(first * page_bytes, buffer.first(count * page_bytes)); !read) {
      return read;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::byte* const page = buffer.data() + i * page_bytes;
      const std::uint64_t offset = (first + i) * page_bytes;
      if (const char* fault = page_fault(page, first + i, ref)) {
        if (auto reported = damaged(fault, offset); !reported) return reported;
        continue;
      }
      const auto records = wire::load_raw<std::uint32_t>(page + at_records);
      for (std::uint32_t j = 0; j < records; ++j) {
        const std::size_t at = page_header_bytes + j * record_bytes;
        const channel::ChannelView view = channel::snapshot::read_record(page + at);
        if (!channel::snapshot::possible(view)) {
          if (auto reported = damaged("an impossible record", offset + at); !reported) {
            return reported;
          }
          continue;
        }
        if (!deliver) continue;
        if (auto taken = deliver(view); !taken) return taken;
      }
    }
    if (!pace) continue;
    if (auto paced = pace(count * page_bytes); !paced) return paced;
  }
  return {};
}

Failure of_another_node(const Storage& storage) {
  return {"damaged: the manifest names a checkpoint of another node", storage.where(manifest_path),
          "Restore the state folder from a backup ('claimctl restore')"};
}

}  // namespace

std::string checkpoint_path(std::uint64_t generation) {
  return fmt::format("checkpoint-{}.cgc", generation % files);
}

Expected<CheckpointRef> write_checkpoint(Storage& storage, const Uuid& node_uuid,
                                         std::uint64_t generation, std::uint32_t next_incarnation,
                                         const channel::Table& table, const Pace& pace) {
  auto file = open_or_create(storage, checkpoint_path(generation));
  if (!file) return std::unexpected(file.error());
  const std::uint32_t stamp = stamp_of(node_uuid, generation);
  const channel::SlotIndex end = table.slots_used();
  PageWriter writer(**file, generation, stamp, end, pace);
  for (channel::SlotIndex at = 0; at < end; ++at) {
    const auto view = table.view(at);
    if (!view) continue;
    if (auto added = writer.add(*view); !added) return std::unexpected(added.error());
  }
  if (auto done = writer.finish(); !done) return std::unexpected(done.error());
  if (auto synced = (*file)->sync(); !synced) return std::unexpected(synced.error());
  return CheckpointRef{.generation = generation,
                       .channels = writer.channels(),
                       .stamp = stamp,
                       .next_incarnation = next_incarnation};
}

Expected<void> read_checkpoint(Storage& storage, const Uuid& node_uuid, const CheckpointRef& ref,
                               const DeliverChannel& deliver) {
  if (ref.generation == 0) return {};
  if (ref.stamp != stamp_of(node_uuid, ref.generation)) {
    return std::unexpected(of_another_node(storage));
  }
  if (auto verified = walk(storage, ref, {}, give_up, {}); !verified) return verified;
  return walk(storage, ref, deliver, give_up, {});
}

Expected<CheckpointRef> copy_checkpoint(Storage& from, const Uuid& from_uuid,
                                        const CheckpointRef& ref, Storage& to, const Uuid& to_uuid,
                                        const Pace& pace) {
  auto file = to.create(checkpoint_path(ref.generation), 0);
  if (!file) return std::unexpected(file.error());
  CheckpointRef copy = ref;
  copy.stamp = stamp_of(to_uuid, ref.generation);
  PageWriter writer(**file, ref.generation, copy.stamp, ref.channels, pace);
  auto done = read_checkpoint(from, from_uuid, ref, [&writer](const channel::ChannelView& view) {
    return writer.add(view);
  });
  if (done) done = writer.finish();
  if (done) done = (*file)->sync();
  if (!done) return std::unexpected(done.error());
  return copy;
}

Expected<void> verify_checkpoint(Storage& storage, const Uuid& node_uuid, const CheckpointRef& ref,
                                 const ReportFault& report, const Pace& pace) {
  if (ref.generation == 0) return {};
  if (ref.stamp != stamp_of(node_uuid, ref.generation)) return report(of_another_node(storage));
  return walk(storage, ref, {}, report, pace);
}

std::uint64_t checkpoint_bytes(std::uint64_t channels) noexcept {
  return (channels + records_per_page - 1) / records_per_page * page_bytes;
}

}  // namespace claimgate::journal
