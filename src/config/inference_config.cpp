#include "config/inference_config.h"

#include "base/check.h"
#include "config/path_setting.h"

namespace incubate {
namespace {

std::vector<Setting> network_settings(NetworkChoice& c) {
  return {make_setting("training", c.training, Kind::operation, "name", "which training's network, such as finetuned"),
          make_path_setting("input", c.input, Kind::operation,
                            "instead: weights of the network that [model] describes (safetensors)"),
          make_format_setting(c.format)};
}

Setting split_setting(SplitChoice& split, const char* meaning) {
  return make_enum_setting<SplitChoice>("split", split,
                                        {{SplitChoice::validation, "validation"}, {SplitChoice::train, "train"}},
                                        Kind::operation, meaning);
}

}  // namespace

std::vector<Setting> list_settings(EvaluateConfig& c) {
  std::vector<Setting> settings = network_settings(c.network);
  settings.push_back(split_setting(c.split, "which images of data.file"));
  settings.push_back(make_path_setting("output", c.output, Kind::operation,
                                       "HDF5 file F.h5 to write, with F-classes.csv and F-confusion.csv beside it"));
  return settings;
}

std::vector<Setting> list_settings(PredictConfig& c) {
  std::vector<Setting> settings = network_settings(c.network);
  settings.push_back(split_setting(c.split, "which images of data.file, if no others are named"));
  settings.push_back(make_setting("top", c.top, Kind::operation, "", "classes a line, the likeliest first", kCount));
  settings.push_back(make_setting("batch", c.batch, Kind::operation, "images", "computed at a time by a rank", kCount));
  settings.push_back(make_path_setting("class-names-file", c.class_names_file, Kind::operation,
                                       "for --input: a text file with one name a line, in order of the classes"));
  settings.push_back(make_enum_setting<PredictionFormat>(
      "output-format", c.output_format, {{PredictionFormat::csv, "csv"}, {PredictionFormat::jsonl, "jsonl"}},
      Kind::operation, "a table, or a JSON object a line"));
  settings.push_back(
      make_path_setting("output", c.output, Kind::operation, "file to write instead of standard output"));
  return settings;
}

void validate(const NetworkChoice& network, const char* command) {
  check_input(!network.training.empty() || !network.input.empty(),
              "--training is missing: {} needs a network. Give --training=NAME (such as finetuned), or --input=F of "
              "weights.",
              command);
  check_input(network.training.empty() || network.input.empty(),
              "--training={} and --input={} are both given (each names a network). Give one.", network.training,
              network.input);
}

}  // namespace incubate
