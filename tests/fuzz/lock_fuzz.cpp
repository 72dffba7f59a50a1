// Fuzzes the lock of a training with any text: when it is taken, held and given back. In an input HOST stands for this
// machine's name, PID for this process, PROCESS for its name.
#include <algorithm>
#include <chrono>
#include <cstdlib>

#include <unistd.h>

#include "base/check.h"
#include "base/process.h"
#include "checkpoint/lock.h"
#include "fuzz/allocation_limit.h"
#include "fuzz/json_mutator.h"
#include "hdf5/atomic_file.h"
#include "support/temporary_directory.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace incubate {
namespace {

void replace_word(std::string& text, const std::string& word, const std::string& by) {
  const std::size_t place = text.find(word);
  if (place != std::string::npos) text.replace(place, word.size(), by);
}

void check_held_or_not(const FilePath& path) {
  try {
    check_held(path, "ours", std::chrono::milliseconds(0));
  } catch (const std::runtime_error& error) {
    if (typeid(error) != typeid(std::runtime_error)) throw;
  }
}

void take(const std::string& text) {
  static const TemporaryDirectory directory;
  const FilePath path = directory / "meta.lock";
  replace_text_atomically(path, text);
  check_held_or_not(path);
  try {
    LockOptions options;
    options.stale_after = options.look_every = std::chrono::milliseconds(0);
    const Lock lock(path, options);
    check_held(path, lock.token());
    replace_text_atomically(path, text);  // another job takes it over
    check_held_or_not(path);
  } catch (const InputError&) {
  }
}

}  // namespace
}  // namespace incubate

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, most);
  std::string text(data, data + size);
  incubate::replace_word(text, "PID", "12");  // which is no JSON
  text = incubate::change_json(text, seed / 2);
  text.resize(std::min(text.size(), most));
  std::ranges::copy(text, data);
  return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace incubate;
  setenv("SLURM_JOB_ID", "7", 1);
  std::string text(data, data + size);
  replace_word(text, "HOST", host_name());
  replace_word(text, "PID", std::to_string(getpid()));
  replace_word(text, "PROCESS", process_name());
  const AllocationLimit limit((std::size_t{1} << 20) + (200 * size));
  take(text);
  return 0;
}
