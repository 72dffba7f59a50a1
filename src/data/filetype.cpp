#include "data/filetype.h"

#include "base/check.h"

namespace incubate {

void check_filetype(const Hdf5File& file, const std::string& name, const std::string& filetype, std::int64_t version) {
  const std::string stated = file.read_string_attribute("filetype");
  check_input(stated == filetype, "{} has the file type '{}', not '{}'. Name a file written by 'incubate pack'.", name,
              stated, filetype);
  const std::int64_t stated_version = file.read_int_attribute("version");
  check_input(stated_version == version, "{} has version {} of its format; this program reads {}. Pack it again.", name,
              stated_version, version);
}

}  // namespace incubate
