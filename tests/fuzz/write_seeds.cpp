// Writes the seeds of all fuzz targets: write_seeds SOURCE_ROOT FOLDER LIST. What lay in FOLDER is
// replaced; LIST names what was written.
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>

#include "tests/fuzz/seeds.hpp"

namespace claimgate::fuzz {
namespace {

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

// As libFuzzer reads it: quoted, what is not printable as \xAB.
std::string dictionary_line(std::string_view word) {
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"\n";
}

void write_all(const std::filesystem::path& sources, const std::filesystem::path& folder) {
  std::filesystem::remove_all(folder);
  const auto write = [&](std::string_view target, const auto& seeds_of) {
    SeedFolder seeds(folder, target);
    seeds_of(seeds);
    seeds.write_dictionary();
  };
  write("fuzz_admin", write_admin_seeds);
  write("fuzz_config", [&](SeedFolder& seeds) { write_config_seeds(seeds, sources); });
  write("fuzz_import", write_import_seeds);
  write("fuzz_packet", write_packet_seeds);
  write("fuzz_session", write_session_seeds);
  write("fuzz_export", [&](SeedFolder& seeds) { write_export_seeds(seeds, sources); });
  write("fuzz_snapshot", write_snapshot_seeds);
  write("fuzz_verify", write_verify_seeds);
}

}  // namespace

SeedFolder::SeedFolder(const std::filesystem::path& folder, std::string_view target)
    : folder_(folder / target) {
  std::filesystem::create_directories(folder_);
}

void SeedFolder::add(const std::string& name, std::string_view seed) {
  write_file(folder_ / name, seed);
}

void SeedFolder::add(const std::string& name, std::span<const std::byte> seed) {
  add(name, std::string_view(reinterpret_cast<const char*>(seed.data()), seed.size()));
}

void SeedFolder::add_word(std::string_view word) {
  words_.emplace(word);
}

void SeedFolder::write_dictionary() const {
  if (words_.empty()) return;
  std::string lines;
  for (const std::string& word : words_) lines += dictionary_line(word);
  write_file(folder_.string() + ".dict", lines);
}

}  // namespace claimgate::fuzz

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: write_seeds SOURCE_ROOT FOLDER LIST\n");
    return 2;
  }
  try {
    claimgate::fuzz::write_all(argv[1], argv[2]);
    std::ofstream list(argv[3]);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[2]))
      list << entry.path().string() << '\n';
    if (!list.flush()) throw std::runtime_error(std::string("cannot write ") + argv[3]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "write_seeds: %s\n", error.what());
    return 1;
  }
  return 0;
}
