#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include "base/check.h"
#include "base/input_file.h"

namespace incubate {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

using Json = nlohmann::json;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kDataAlignment = 64;  // of the data within the file
constexpr std::uint64_t kMostHeaderBytes = std::uint64_t{1} << 24;
constexpr std::size_t kMostKindBytes = 32;
constexpr int kMostLevels = 3;  // {name: {shape: [
constexpr std::size_t kMostDimensions = 8;
constexpr std::array kOtherEndings = {".pth", ".pt",  ".bin", ".ckpt", ".pkl", ".onnx",    ".h5",
                                      ".npz", ".npy", ".zip", ".tar",  ".gz",  ".msgpack", ".hdf5"};

/// A tensor in the header. Offsets are in bytes from the header's end.
struct Entry {
  std::string name;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool is_counter = false;  ///< PyTorch's batch norm counts its steps, which nothing here needs
};

/// Returns the JSON header for tensors stored one after the other, padded with spaces.
std::string make_header(const StateDict& tensors) {
  Json header = {{"__metadata__", {{"format", "pt"}}}};
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    TORCH_INTERNAL_ASSERT(tensor.scalar_type() == torch::kFloat32);
    header[name] = {
        {"dtype", "F32"}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, offset + tensor.nbytes()}}};
    offset += tensor.nbytes();
  }
  std::string text = header.dump();
  text.resize(((kLengthBytes + text.size() + kDataAlignment - 1) / kDataAlignment * kDataAlignment) - kLengthBytes,
              ' ');
  return text;
}

/// REQUIRES: reading was the last action, so that errno belongs to it.
void check_read(const std::ifstream& file, const FilePath& path) {
  check_running(file.good(), "cannot read {}: {}", path.string(),
                file.eof() ? "it has become shorter" : std::strerror(errno));
}

/// A file that is no safetensors file, by its first bytes.
struct OtherKind {
  std::string_view begin;
  const char* what;
  const char* remedy;
};
constexpr const char* kConvert =
    "Convert it: python -c \"import torch, safetensors.torch as s; s.save_file(torch.load('IN', weights_only=True), "
    "'OUT.safetensors')\"";
constexpr std::array kOtherKinds = {
    OtherKind{"PK\x03\x04", "a file of PyTorch (torch.save)", kConvert},
    OtherKind{"\x80\x02", "a pickle, as older versions of PyTorch save", kConvert},
    OtherKind{"version https://git-lfs", "a Git LFS pointer in place of the weights", "Get them with 'git lfs pull'"},
    OtherKind{"{", "JSON, such as the index of weights in several files (shards)",
              "Load all of the files in Python and save their tensors with safetensors.torch.save_file as one"},
    OtherKind{"\x89HDF", "HDF5", "Export checkpoints of this program with 'incubate export'"},
    OtherKind{"<", "a web page", "Download the weights again"}};

/// Throws InputError with the remedy if the file is of a kind that people have in place of safetensors.
void check_kind(std::ifstream& file, const FilePath& path) {
  std::string head(kMostKindBytes, '\0');
  file.seekg(0);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  for (const OtherKind& kind : kOtherKinds) {
    check_input(!head.starts_with(kind.begin), "{} is {}, and only safetensors is read. {}.", path.string(), kind.what,
                kind.remedy);
  }
}

std::string read_header(std::ifstream& file, std::uint64_t file_bytes, const FilePath& path) {
  check_input(file_bytes >= kLengthBytes,
              "{} has {} bytes, fewer than the {} that state the length of a safetensors header. Get or copy it again.",
              path.string(), file_bytes, kLengthBytes);
  std::uint64_t length = 0;
  file.read(reinterpret_cast<char*>(&length), sizeof(length));
  if (length >> 56U != 0) check_kind(file, path);  // no length, but text or a magic number
  check_input(length <= file_bytes - kLengthBytes,
              "{} states a header of {} bytes but has {} after its first {}: it is truncated or no safetensors file. "
              "Get or copy it again.",
              path.string(), length, file_bytes - kLengthBytes, kLengthBytes);
  check_input(
      length <= kMostHeaderBytes,
      "{} states a header of {} bytes, more than {} (a network's takes a few hundred bytes a tensor). Check that "
      "it is a safetensors file of weights.",
      path.string(), length, kMostHeaderBytes);
  std::string text(length, '\0');
  file.read(text.data(), static_cast<std::streamsize>(length));
  check_read(file, path);
  return text;
}

/// Returns the header as JSON. Refuses deeper nesting than kMostLevels and names that occur twice in an object.
Json parse_header(const std::string& text, const FilePath& path) {
  std::vector<std::set<std::string>> names(kMostLevels + 1);  // names seen in the open object of each depth
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start) {
      check_input(depth < kMostLevels,
                  "{} has a header nested deeper than {} levels. Check that it is a safetensors file.", path.string(),
                  kMostLevels);
      names[depth + 1].clear();
    }
    if (event == Json::parse_event_t::key) {
      const auto name = parsed.get<std::string>();
      check_input(names[depth].insert(name).second,
                  "{} has the name '{}' twice in its header (which is meant?). Write each tensor once.", path.string(),
                  quotable(name));
    }
    return true;
  };
  Json header;
  try {
    header = Json::parse(text, check);
  } catch (const Json::parse_error& error) {
    throw InputError(fmt::format("{} has a header that is not JSON (byte {}). Check that it is a safetensors file.",
                                 path.string(), error.byte));
  } catch (const Json::exception&) {
    throw InputError(fmt::format(
        "{} has a number in its header that is too large. Check that it is a safetensors file.", path.string()));
  }
  check_input(header.is_object(), "{} has a header that is no JSON object. Check that it is a safetensors file.",
              path.string());
  return header;
}

/// Returns the bytes of a tensor of this shape, whose values have `bytes` each. Returns nothing if the size overflows,
/// with extents of 0 counted as 1.
std::optional<std::uint64_t> bytes_of(const std::vector<std::int64_t>& shape, std::int64_t bytes) {
  for (const std::int64_t extent : shape) {
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(extent, 1), &bytes)) return std::nullopt;
  }
  return std::ranges::count(shape, 0) > 0 ? 0 : static_cast<std::uint64_t>(bytes);
}

bool are_counts(const Json& list) {
  return list.is_array() && std::ranges::all_of(list, [](const Json& value) {
           return value.is_number_unsigned() && value.get<std::uint64_t>() <= INT64_MAX;
         });
}

Entry read_entry(const std::string& name, const Json& json, std::uint64_t data_bytes, const FilePath& path) {
  const std::string where = fmt::format("{}: tensor '{}'", path.string(), quotable(name));
  check_input(json.is_object() && json.contains("dtype") && json["dtype"].is_string() && json.contains("shape") &&
                  are_counts(json["shape"]) && json["shape"].size() <= kMostDimensions &&
                  json.contains("data_offsets") && are_counts(json["data_offsets"]) && json["data_offsets"].size() == 2,
              "{} lacks a dtype, a shape of {} or fewer extents, or two data_offsets. Check that the file is right.",
              where, kMostDimensions);
  const auto dtype = json["dtype"].get<std::string>();
  const bool is_counter = dtype == "I64" && name.ends_with("num_batches_tracked");
  check_input(dtype == "F32" || is_counter, "{} has the dtype {}; only F32 is read. Save it as float32.", where,
              quotable(dtype));
  Entry entry{.name = name,
              .shape = json["shape"].get<std::vector<std::int64_t>>(),
              .begin = json["data_offsets"][0].get<std::uint64_t>(),
              .end = json["data_offsets"][1].get<std::uint64_t>(),
              .is_counter = is_counter};
  check_input(entry.begin <= entry.end && entry.end <= data_bytes,
              "{} has the data_offsets {} to {} but the file has {} bytes of data. Get or copy it again.", where,
              entry.begin, entry.end, data_bytes);
  check_input(bytes_of(entry.shape, is_counter ? sizeof(std::int64_t) : sizeof(float)) == entry.end - entry.begin,
              "{} has the shape [{}] of floats but {} bytes of data. Get or copy the file again.", where,
              fmt::join(entry.shape, ", "), entry.end - entry.begin);
  return entry;
}

/// Throws InputError unless the tensors follow each other without gaps from the data's begin to its end.
void check_layout(std::vector<Entry>& entries, std::uint64_t data_bytes, const FilePath& path) {
  std::ranges::sort(entries, {}, [](const Entry& entry) { return std::pair(entry.begin, entry.end); });
  std::uint64_t end = 0;
  for (const Entry& entry : entries) {
    check_input(entry.begin == end,
                "{}: tensor '{}' begins at byte {} but the one before it ends at {} ({}). Get or copy "
                "the file again.",
                path.string(), quotable(entry.name), entry.begin, end, entry.begin < end ? "they overlap" : "a gap");
    end = entry.end;
  }
  check_input(end == data_bytes, "{} has {} bytes of data but its tensors end at {}. Get or copy it again.",
              path.string(), data_bytes, end);
}

torch::Tensor read_tensor(std::ifstream& file, std::uint64_t data_begin, const Entry& entry, const FilePath& path) {
  torch::Tensor tensor = torch::empty(entry.shape);
  file.seekg(static_cast<std::streamoff>(data_begin + entry.begin));
  file.read(static_cast<char*>(tensor.data_ptr()), static_cast<std::streamsize>(entry.end - entry.begin));
  check_read(file, path);
  return tensor;
}

}  // namespace

std::string quotable(const std::string& name) {
  constexpr std::size_t kMost = 80;
  std::string text = name.substr(0, kMost);
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c >= 127; }, '?');
  return name.size() > kMost ? text + "..." : text;
}

void save_safetensors(const FilePath& path, const StateDict& tensors, const OnWritten& on_written) {
  const std::string header = make_header(tensors);
  std::int64_t total = 0;
  for (const auto& [name, tensor] : tensors) total += static_cast<std::int64_t>(tensor.nbytes());
  replace_atomically(path, [&](const FilePath& temporary) {
    std::ofstream file(temporary, std::ios::binary);
    const auto check = [&file, &path] {  // at once, before another call changes errno
      check_running(file.good(), "cannot write {}: {}", path.string(), std::strerror(errno));
    };
    const std::uint64_t length = header.size();
    file.write(reinterpret_cast<const char*>(&length), sizeof(length));
    file << header;
    check();
    std::int64_t done = 0;
    for (const auto& [name, tensor] : tensors) {
      const torch::Tensor values = tensor.detach().cpu().contiguous();
      file.write(static_cast<const char*>(values.data_ptr()), static_cast<std::streamsize>(values.nbytes()));
      check();
      done += static_cast<std::int64_t>(values.nbytes());
      on_written(done, total);
    }
    file.flush();
    check();
  });
}

void check_safetensors_output(const FilePath& output) {
  if (std::filesystem::exists(output) && !std::filesystem::is_empty(output)) {
    std::ifstream file = open_input_file(output);
    std::uint64_t length = kMostHeaderBytes + 1;
    file.read(reinterpret_cast<char*>(&length), sizeof(length));
    check_input(
        length <= kMostHeaderBytes && file.get() == '{',
        "--output={} is there and is no safetensors file: it would be replaced. Choose another name, or remove that "
        "file.",
        output.string());
  }
  check_input(std::ranges::count(kOtherEndings, output.extension().string()) == 0,
              "--output={} promises another format (export writes safetensors). Let the name end in .safetensors, or "
              "name a folder.",
              output.string());
}

StateDict load_safetensors(const FilePath& path) {
  std::ifstream file = open_input_file(path);
  const std::uint64_t file_bytes = std::filesystem::file_size(path);
  const std::string text = read_header(file, file_bytes, path);
  const std::uint64_t data_begin = kLengthBytes + text.size();
  const Json header = parse_header(text, path);
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items()) {
    if (name != "__metadata__") entries.push_back(read_entry(name, json, file_bytes - data_begin, path));
  }
  check_layout(entries, file_bytes - data_begin, path);
  StateDict tensors;
  for (const Entry& entry : entries) {
    if (!entry.is_counter) tensors[entry.name] = read_tensor(file, data_begin, entry, path);
  }
  return tensors;
}

}  // namespace incubate
