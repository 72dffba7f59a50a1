#include "pack/webdataset.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "base/check.h"
#include "pack/tar.h"

namespace incubate {
namespace {

constexpr std::int64_t kMostLabelBytes = 64;

struct Sample {
  std::optional<TarMember> image;
  std::optional<TarMember> label_file;
  std::string label;
};

/// Returns the length of a member's key: its path up to the first dot of the name.
std::size_t key_length(const std::string& path) { return std::min(path.find('.', path.rfind('/') + 1), path.size()); }

std::string extension_of(const std::string& path) {
  std::string extension = path.substr(key_length(path));
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return extension;
}

std::string read_label(TarReader& shard, const TarMember& member, const std::string& shard_path) {
  std::string text = shard.read(member.offset, std::min(member.bytes, kMostLabelBytes));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  text.erase(0, std::min(text.find_first_not_of('0'), text.size() - 1));  // 007 is 7
  check_input(member.bytes <= kMostLabelBytes && to_class_number(text) >= 0,
              "{}: {} has the label '{}', which is no number of a class (0, 1, ...). Write numbers, or pack a table of "
              "names with --format=csv.",
              shard_path, member.path, text);
  return text;
}

}  // namespace

Source open_webdataset(const PackConfig& config) {
  Source source;
  source.parts = list_files(config);
  return source;
}

Listing list_webdataset(const SourcePart& part) {
  const std::string path = part.path().string();
  Listing listing;
  const auto leave_out = [&](const TarMember& member, const char* reason) {
    listing.left_out.push_back(left_out(part.name + "/" + member.path, reason));
  };
  TarReader shard(part.path());
  std::map<std::string, Sample> samples;
  for (std::optional<TarMember> member = shard.next(); member; member = shard.next()) {
    const std::string extension = extension_of(member->path);
    const bool is_label = extension == ".cls";
    if (member->is_hidden()) {
      leave_out(*member, "it is hidden");
    } else if (!member->is_file) {
      leave_out(*member, "it is a link, or no file");
    } else if (is_label || extension == ".jpg" || extension == ".jpeg" || extension == ".png") {
      Sample& sample = samples[member->path.substr(0, key_length(member->path))];
      std::optional<TarMember>& place = is_label ? sample.label_file : sample.image;
      check_input(!place, "{} has both {} and {}: a sample has one image and one label. Take one away.", path,
                  place ? place->path : "", member->path);
      if (is_label) sample.label = read_label(shard, *member, path);
      place = std::move(member);
    }
  }
  const std::int64_t modified_ns = look_at(part.path()).modified_ns;
  for (const auto& [key, sample] : samples) {
    if (!sample.image) {
      leave_out(*sample.label_file, "its sample has no .jpg, .jpeg or .png");
    } else if (!sample.label_file) {
      leave_out(*sample.image, "its sample has no .cls");
    } else {
      listing.add(sample.label, {.name = part.name + "/" + sample.image->path,
                                 .bytes = sample.image->bytes,
                                 .modified_ns = modified_ns,
                                 .offset = sample.image->offset});
    }
  }
  check_input(!listing.files.empty(),
              "{} has no sample of an image and a label (KEY.jpg, .jpeg or .png, and KEY.cls). Give another file, or "
              "another --format.",
              path);
  return listing;
}

}  // namespace incubate
