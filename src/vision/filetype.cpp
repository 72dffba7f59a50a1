#include "vision/filetype.h"

#include "base/check.h"

namespace incubate {

std::int64_t check_filetype(const Hdf5File& file, const std::string& name, const std::string& filetype,
                            std::int64_t newest) {
  const std::string stated = file.read_string_attribute("filetype");
  check_input(stated == filetype, "{} has the file type '{}', not '{}'. Name a file written by 'incubate pack'.", name,
              stated, filetype);
  const std::int64_t version = file.read_int_attribute("version");
  check_input(version >= 1 && version <= newest,
              "{} has version {} of its format; this program reads {}. Pack it again.", name, version,
              newest == 1 ? "1" : fmt::format("1 to {}", newest));
  return version;
}

}  // namespace incubate
