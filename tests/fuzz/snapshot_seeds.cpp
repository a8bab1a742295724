// The seeds of snapshot_fuzz: state files as save_snapshot() writes them, packed as the target
// wants.
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "lib/channel/snapshot.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/scratch_folder.hpp"

namespace claimgate::fuzz {
namespace {

using namespace channel;

ChannelView view_number(std::uint32_t number) {
  ChannelView view;
  wire::store_be(view.terms.id.bytes.data(), std::uint64_t{number} << 32 | 0xABCD);
  view.terms.key.bytes[0] = std::byte{0x11};
  view.terms.key.type = number % 2 == 0 ? KeyType::secp256k1 : KeyType::ed25519;
  view.terms.funded = {1'000'000};
  view.terms.balance = {number};
  view.terms.valid_until = 800'000'000;
  view.incarnation = number;
  view.held = {number * 2};
  view.lsn = number;
  return view;
}

// The whole pages, each without the zeros at its end.
std::string packed(char switches, const std::string& file) {
  std::string out(1, switches);
  for (std::size_t at = 0; at < file.size(); at += snapshot::page_bytes) {
    const std::string_view page = std::string_view(file).substr(at, snapshot::page_bytes);
    const std::size_t length = page.find_last_not_of('\0') + 1;
    out += static_cast<char>(length & 0xFF);
    out += static_cast<char>(length >> 8);
    out += page.substr(0, length);
  }
  return out;
}

std::string saved(std::uint32_t channels) {
  auto table = Table::create(32, {1, 2}, memory::Pages::normal);
  if (!table) throw std::runtime_error(table.error().text());
  for (std::uint32_t i = 1; i <= channels; ++i) (void)table->restore(view_number(i));
  const ScratchFolder scratch;
  const Table* tables[] = {&*table};
  const auto written = save_snapshot(scratch.file("state"), tables, {.saved_at_unix_s = 1});
  if (!written) throw std::runtime_error(written.error().text());
  std::ifstream file(scratch.file("state"), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

void write_snapshot_seeds(SeedFolder& folder) {
  for (const std::uint32_t channels : {0U, 1U, 15U, 17U}) {
    const std::string file = saved(channels);
    const std::string name = std::to_string(channels) + "_channels";
    folder.add(name, packed(0, file));
    folder.add(name + "_sealed", packed(1, file));
    folder.add(name + "_sealed_counted", packed(3, file));
    folder.add(name + "_sealed_counted_as_format_1", packed(7, file));
  }
  folder.add("cut_short", packed(0, saved(1)) + 'x');
}

}  // namespace claimgate::fuzz
