#include "run/shared_data.h"

#include <algorithm>

#include "base/check.h"
#include "config/setting.h"
#include "hdf5/verified_file.h"

namespace incubate {

void share_dataset_info(DatasetInfo& data, const Communicator& world) {
  for (const auto& [name, number] : list_numbers(data)) {
    world.broadcast(std::as_writable_bytes(std::span(number, 1)), "sharing what the data is");
  }
  for (std::vector<double>* values : {&data.mean, &data.std}) {
    from_text("pixels", world.broadcast(to_text(*values), "sharing what the data is"), *values);
  }
  data.digest = world.broadcast(data.digest, "sharing what the data is");
  from_text("class names", world.broadcast(to_text(data.class_names), "sharing what the data is"), data.class_names);
}

void compare_data(const FilePath& file, const std::string& digest, const Communicator& world) {
  const std::string& own = world.member_name(world.rank());
  const std::vector<std::string> files = world.gather(identify_file(file), "comparing data.file");
  agree(world, [&] {
    try {
      if (std::ranges::find(files, files[world.rank()]) - files.begin() == world.rank() && !world.is_leader()) {
        check_dataset(file);
      }
      const std::string seen = stated_digest(file);
      check_input(seen == digest, "{} has the checksum {} there, but {} for {}", file.string(), seen, digest,
                  world.member_name(0));
    } catch (const std::runtime_error& error) {
      throw InputError(fmt::format("{} has other data than {}: {}. Every host must see the same data.file.", own,
                                   world.member_name(0), error.what()));
    }
  });
}

DatasetInfo check_data_on_all(const FilePath& file, const Communicator& world) {
  DatasetInfo data;
  agree(world, [&] {
    if (world.is_leader()) data = check_dataset(file);
  });
  share_dataset_info(data, world);
  compare_data(file, data.digest, world);
  return data;
}

std::unique_ptr<const Dataset> open_on_all(const FilePath& file, Split split, const Communicator& world,
                                           const FilePath& shards) {
  std::unique_ptr<const Dataset> dataset;
  agree(world, [&] {
    try {
      dataset = open_dataset(file, split, shards);
    } catch (const std::runtime_error& error) {
      throw InputError(fmt::format("{} cannot read the data: {}. Every host must see the same data.file.",
                                   world.member_name(world.rank()), error.what()));
    }
  });
  return dataset;
}

}  // namespace incubate
