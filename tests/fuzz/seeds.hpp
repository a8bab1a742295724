// The seeds of the fuzz targets: where they are written, and who writes them. One thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace claimgate::fuzz {

// The seeds of one target: one file each, FOLDER/TARGET/NAME, and FOLDER/TARGET.dict for libFuzzer
// where words help it. Throws where a file cannot be written.
class SeedFolder {
 public:
  SeedFolder(const std::filesystem::path& folder, std::string_view target);
  void add(const std::string& name, std::span<const std::byte> seed);
  void add(const std::string& name, std::string_view seed);
  void add_word(std::string_view word);  // of the dictionary
  void write_dictionary() const;

 private:
  std::filesystem::path folder_;
  std::set<std::string> words_;
};

// `sources`: the project's root, for the vectors and profiles that lie there.
void write_admin_seeds(SeedFolder& folder);
void write_config_seeds(SeedFolder& folder, const std::filesystem::path& sources);
void write_import_seeds(SeedFolder& folder);
void write_packet_seeds(SeedFolder& folder);
void write_session_seeds(SeedFolder& folder);
void write_export_seeds(SeedFolder& folder, const std::filesystem::path& sources);
void write_snapshot_seeds(SeedFolder& folder);
void write_verify_seeds(SeedFolder& folder);

}  // namespace claimgate::fuzz
