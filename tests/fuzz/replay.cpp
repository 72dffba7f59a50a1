// Runs a fuzz target without libFuzzer, so that the ordinary tests can, with any compiler: on every file of a corpus,
// and on random changes of them, always the same. Ends at the first input that crashes, throws, takes 1 GiB or 20 s.
//
//   <target> NUM_CHANGED CORPUS_OR_FILE ...
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hdf5/atomic_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" __attribute__((weak)) std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                                                     std::size_t most, unsigned seed);
extern "C" __attribute__((weak)) int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

constexpr std::size_t kMostBytes = 4096;  // of a changed input
constexpr rlim_t kMostMemory = rlim_t{1} << 30;
constexpr unsigned kMostSeconds = 20;

std::minstd_rand random_numbers(1);
std::string current;  // the input under way

std::size_t below(std::size_t count) { return random_numbers() % count; }

/// The process ends anyway, so a try to save the input that reproduces the bug is worthwhile.
void save_current(int signal) {
  const char* name = "replay-crash";
  std::ofstream(name, std::ios::binary) << current;
  fmt::print(stderr, "signal {} at an input of {} bytes, now in {}\n", signal, current.size(), name);
  std::_Exit(1);
}

void limit_memory() {
  std::ifstream statm("/proc/self/statm");
  std::array<rlim_t, 6> pages{};
  for (rlim_t& count : pages) statm >> count;
  const rlim_t bytes = pages[5] * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + kMostMemory;
  const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
  if (setrlimit(RLIMIT_DATA, &limit) != 0) std::abort();
}

void run(const std::string& input) {
  current = input;
  alarm(kMostSeconds);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(current.data()), current.size());
  alarm(0);
}

std::string changed(const std::string& input) {
  std::vector<std::uint8_t> bytes(input.begin(), input.end());
  bytes.resize(std::max(input.size(), kMostBytes));
  const auto seed = static_cast<unsigned>(random_numbers());
  const std::size_t size = LLVMFuzzerCustomMutator != nullptr
                               ? LLVMFuzzerCustomMutator(bytes.data(), input.size(), bytes.size(), seed)
                               : LLVMFuzzerMutate(bytes.data(), input.size(), bytes.size());
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

std::vector<std::string> read_corpus(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {incubate::read_text(path)};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
  std::ranges::sort(files);  // the same order everywhere
  std::vector<std::string> inputs;
  for (const auto& file : files) inputs.push_back(incubate::read_text(file));
  return inputs;
}

}  // namespace

/// Changes, adds or removes a few bytes, or repeats a piece.
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most) {
  std::string bytes(data, data + size);
  for (std::size_t i = 0, num_changes = 1 + below(4); i < num_changes; ++i) {
    const std::size_t place = below(bytes.size() + 1);
    const std::size_t length = std::min(below(9), bytes.size() - place);
    const std::size_t kind = below(5);
    if (kind == 0 && place < bytes.size()) bytes[place] = static_cast<char>(bytes[place] ^ (1 << below(8)));
    if (kind == 1 && place < bytes.size()) bytes[place] = static_cast<char>(below(256));
    if (kind == 2) bytes.insert(place, 1 + below(8), static_cast<char>(below(256)));
    if (kind == 3) bytes.erase(place, length);
    if (kind == 4) bytes.insert(below(bytes.size() + 1), bytes.substr(place, length));
  }
  bytes.resize(std::min(bytes.size(), most));
  std::ranges::copy(bytes, data);
  return bytes.size();
}

int main(int argc, char* argv[]) {
  if (argc < 3) {
    fmt::print(stderr, "{} NUM_CHANGED CORPUS_OR_FILE ...\n", argv[0]);
    return 2;
  }
  const int num_changed = std::atoi(argv[1]);
  std::vector<std::string> inputs;
  for (int i = 2; i < argc; ++i) std::ranges::copy(read_corpus(argv[i]), std::back_inserter(inputs));
  if (inputs.empty()) {
    fmt::print(stderr, "no input in the corpus\n");
    return 1;
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) std::signal(signal, save_current);
  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&argc, &argv);
  for (const std::string& input : inputs) run(input);
  limit_memory();  // libraries are there now
  for (int i = 0; i < num_changed; ++i) {
    // Every other time the last changed input is changed again.
    run(changed(i % 2 == 0 ? inputs[below(inputs.size())] : std::string(current)));
  }
  fmt::print("{} inputs of the corpus and {} changed ones\n", inputs.size(), num_changed);
  return 0;
}
