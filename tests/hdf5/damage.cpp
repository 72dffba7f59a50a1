#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

#include <fmt/core.h>

#include "base/check.h"
#include "hdf5/atomic_file.h"
#include "hdf5/verified_file.h"

namespace incubate {
namespace {

void write(const FilePath& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

bool is_refused(const FilePath& path) {
  try {
    verify_file(path);
    return false;
  } catch (const InputError&) {
    return true;
  }
}

/// Returns the file with one byte changed, or cut off, in turns.
std::string damage(std::string bytes, int turn, std::mt19937_64& chance) {
  const std::size_t place = std::uniform_int_distribution<std::size_t>(0, bytes.size() - 1)(chance);
  if (turn % 2 == 1) return bytes.substr(0, place);
  const int bits = std::uniform_int_distribution(1, 255)(chance);
  bytes[place] = static_cast<char>(bytes[place] ^ bits);
  return bytes;
}

/// Returns how many of `count` damaged copies of `original`, written to `copy`, are accepted.
int count_accepted(const FilePath& original, const FilePath& copy, int count, std::mt19937_64& chance) {
  const std::string bytes = read_text(original);
  write(copy, bytes);
  check_running(!is_refused(copy), "{} is damaged already", original.string());
  int accepted = 0;
  for (int turn = 0; turn < count; ++turn) {
    write(copy, damage(bytes, turn, chance));
    if (is_refused(copy)) continue;
    ++accepted;
    fmt::print("change {} was not found\n", turn);
  }
  fmt::print("{} changes, {} of them not found\n", count, accepted);
  return accepted;
}

}  // namespace
}  // namespace incubate

/// damage FILE COPY COUNT SEED: damages copies of a verified file at random places, and prints how many the check
/// before HDF5 accepts. Status 0 if none.
int main(int argc, char** argv) {
  using namespace incubate;
  if (argc != 5) {
    fmt::print(stderr, "usage: damage FILE COPY COUNT SEED\n");
    return 2;
  }
  try {
    std::mt19937_64 chance(std::strtoull(argv[4], nullptr, 10));
    return count_accepted(argv[1], argv[2], std::atoi(argv[3]), chance) == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
