#include "base/output_name.h"

#include <cerrno>
#include <climits>
#include <cstring>

#include <unistd.h>

#include "base/check.h"
#include "base/input_file.h"
#include "base/process.h"

namespace incubate {

void check_output_name(const std::string& output, const std::vector<std::string>& inputs) {
  const std::filesystem::path path = output;
  std::error_code ignored;
  check_input(path.has_filename() && !std::filesystem::is_directory(path, ignored),
              "--output={} is a directory. Name a file in it.", output);
  constexpr std::size_t kAppended = 40;  // such as "-validation-00000.h5.HOST.4194304.tmp"
  const std::size_t size = path.filename().native().size();
  const std::size_t most = NAME_MAX - kAppended - host_name().size();
  check_input(size <= most,
              "--output={} is too long: its name has {} bytes and may have {} (drafts and locks beside the file append "
              "to it). Choose a shorter name.",
              output, size, most);
  if (!std::filesystem::exists(path, ignored)) return;
  check_input(std::filesystem::is_regular_file(path, ignored),
              "--output={} is there and is no regular file. Choose another name.", output);
  for (const std::string& input : inputs) {
    check_input(!std::filesystem::equivalent(path, input, ignored),
                "--output={} is a file that this command reads ({}), and would be replaced. Choose another name.",
                output, input);
  }
}

void check_output_place(const std::filesystem::path& output) {
  const std::filesystem::path folder = std::filesystem::absolute(output).parent_path();
  check_input(::access(folder.c_str(), W_OK | X_OK) == 0,
              "--output={} cannot be written: {}: {}. Choose another place.", output.string(), folder.string(),
              std::strerror(errno));
}

void check_text_replaceable(const std::filesystem::path& output, const std::string& begin) {
  std::error_code ignored;
  if (!std::filesystem::exists(output, ignored) || std::filesystem::file_size(output, ignored) == 0) return;
  std::string found(begin.size(), '\0');
  std::ifstream file = open_input_file(output);
  file.read(found.data(), static_cast<std::streamsize>(found.size()));
  check_input(found == begin,
              "{} would be replaced, but does not begin with '{}'. Choose another --output, or remove that file.",
              output.string(), begin);
}

}  // namespace incubate
