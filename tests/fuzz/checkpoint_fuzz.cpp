// Fuzzes checkpoints with wrong content that HDF5 itself wrote: see hostile_hdf5.h.
#include <filesystem>

#include <torch/torch.h>

#include "base/check.h"
#include "checkpoint/checkpoint.h"
#include "fuzz/allocation_limit.h"
#include "fuzz/hostile_hdf5.h"
#include "support/temporary_directory.h"

namespace incubate {
namespace {

using Type = Expected::Type;

const std::vector<Expected>& expected_checkpoint() {
  static const std::vector<Expected> expected = {{"filetype", Type::text, {}, {"incubate checkpoint"}, {}},
                                                 {"version", Type::integer, {}, {}, {1}},
                                                 {"training", Type::text, {}, {"stage_1"}, {}},
                                                 {"step", Type::integer, {}, {}, {12}},
                                                 {"identity", Type::text, {}, {"00112233445566778899aabbccddeeff"}, {}},
                                                 {"identity_text", Type::text, {}, {"model.width=3\ndata=1\n"}, {}},
                                                 {"config", Type::text, {}, {"[model]\nwidth = 3\n"}, {}},
                                                 {"/figures/top1", Type::real, {1}, {}, {1}},
                                                 {"/figures/loss", Type::real, {1}, {}, {2}},
                                                 {"/stages/0/head.weight", Type::single, {2, 3}, {}, {1, 2, 3}},
                                                 {"/stages/1/blocks.0.bias", Type::single, {5}, {}, {4}},
                                                 {"/optimizer/1/blocks.0.bias/exp_avg", Type::single, {5}, {}, {5}},
                                                 {"/ema/1/blocks.0.bias", Type::single, {5}, {}, {6}}};
  return expected;
}

void read_checkpoint(const std::string& path) {
  const CheckpointHeader header = load_header(path);
  const Checkpoint checkpoint = load_checkpoint(path);
  check_running(header.identity_text == checkpoint.header.identity_text, "the header reads as two things");
  double sum = 0;
  for (const auto& [name, tensor] : checkpoint.state) {
    check_running(tensor.nbytes() <= 4 * std::filesystem::file_size(path), "{} is larger than the file", name);
    if (tensor.numel() > 0) sum += tensor.sum().item<double>();
  }
  check_identity(path, header, header.identity + (sum == 0 ? "0" : "1"), "model.width=3\ndata=2\nmore\n",
                 "[model]\nwidth = 3\ndepths = 1,1\n");
}

void write_and_read(ByteSource& source) {
  static const TemporaryDirectory directory;  // HDF5 wants a file with a real path
  const std::string path = directory / "f.h5";
  write_hostile_hdf5(path, expected_checkpoint(), source);
  const AllocationLimit limit((std::size_t{16} << 20) + (64 * std::filesystem::file_size(path)));
  read_checkpoint(path);
}

}  // namespace
}  // namespace incubate

/// An unchanged file is read up to the identity, so the fuzzed code is reached.
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  using namespace incubate;
  ByteSource nothing({});
  try {
    write_and_read(nothing);
  } catch (const InputError& error) {
    const std::string expected = " was made with other settings ('data 1' there, 'data 2' here";
    if (std::string(error.what()).find(expected) != std::string::npos) return 0;
    throw;
  }
  throw std::logic_error("a checkpoint of other settings was accepted");
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace incubate;
  ByteSource source({data, size});
  try {
    write_and_read(source);
  } catch (const InputError&) {
  }
  return 0;
}
