#include "pack/tar_folders.h"

#include "base/check.h"
#include "pack/tar.h"

namespace incubate {
namespace {

constexpr const char* kTar = ".tar";

/// Adds the archives in an archive to `source`, if its first file is one; else the archive itself.
void add_archives(const SourcePart& whole, Source& source) {
  TarReader reader(whole.path());
  std::optional<TarMember> member = reader.next();
  while (member && (!member->is_file || member->is_hidden())) member = reader.next();
  if (!member || !member->path.ends_with(kTar)) return source.parts.push_back(whole);
  for (; member; member = reader.next()) {
    if (!member->is_file || member->is_hidden() || !member->path.ends_with(kTar)) {
      source.left_out.push_back(left_out(whole.name + "/" + member->path, "it is no archive, as others beside it are"));
      continue;
    }
    SourcePart& part = source.parts.emplace_back(whole);
    part.class_name = std::filesystem::path(member->path).stem().string();
    part.begin = member->offset;
    part.end = member->offset + member->bytes;
  }
}

/// Shortens `folder`, which ends with '/' or is empty, to one that `path` is in.
void shorten_to_hold(std::string& folder, const std::string& path) {
  while (!path.starts_with(folder)) folder.resize(folder.size() < 2 ? 0 : folder.rfind('/', folder.size() - 2) + 1);
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

}  // namespace

Source open_tar_folders(const PackConfig& config) {
  Source source;
  for (const SourcePart& file : list_files(config)) add_archives(file, source);
  return source;
}

Listing list_tar_folders(const SourcePart& part) {
  Listing listing;
  const auto leave_out = [&](const TarMember& member, const char* reason) {
    listing.left_out.push_back(left_out(part.name + "/" + member.path, reason));
  };
  TarReader reader(part.path(), part.begin, part.end);
  std::vector<TarMember> members;
  for (std::optional<TarMember> member = reader.next(); member; member = reader.next()) {
    if (member->is_hidden()) {
      leave_out(*member, "it is hidden");
    } else if (!member->is_file) {
      leave_out(*member, "it is a link, or no file");
    } else {
      members.push_back(std::move(*member));
    }
  }
  std::string top = members.empty() ? "" : folder_of(members.front().path);  // the folder that holds all
  for (const TarMember& member : members) shorten_to_hold(top, member.path);
  const bool is_one_class = std::ranges::all_of(members, [&](const TarMember& m) { return folder_of(m.path) == top; });
  const std::string only_class =
      top.empty() ? part.class_name : std::filesystem::path(top).parent_path().filename().string();
  const std::int64_t modified_ns = look_at(part.path()).modified_ns;
  for (const TarMember& member : members) {
    const std::string folder = folder_of(member.path).substr(top.size());  // "CLASS/", if the member is an image
    const bool is_in_a_class = is_one_class || (!folder.empty() && folder.find('/') == folder.size() - 1);
    if (!is_in_a_class) {
      leave_out(member, "it is not a class's file");
      continue;
    }
    const std::string class_name = is_one_class ? only_class : folder.substr(0, folder.size() - 1);
    listing.add(class_name, {.name = class_name + "/" + member.name(),
                             .bytes = member.bytes,
                             .modified_ns = modified_ns,
                             .offset = member.offset});
  }
  check_input(!listing.files.empty(),
              "{} has no images in folders for each class, directly below one folder{}. Give an archive of one split; "
              "pack another one's files with --format=folder.",
              part.path().string(), members.empty() ? "" : ", only files such as " + members.front().path);
  return listing;
}

}  // namespace incubate
