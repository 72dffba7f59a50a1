#pragma once

#include <string>
#include <vector>

#include "config/exchange_config.h"

namespace incubate {

/// Names the network to use: a finished training of the run, or weights in a file.
struct NetworkChoice {
  std::string training;
  std::string input;  ///< safetensors file
  WeightFormat format = WeightFormat::timm;
};

enum class SplitChoice { validation, train };

/// Options of `incubate evaluate` besides the run's configuration.
struct EvaluateConfig {
  NetworkChoice network;
  SplitChoice split = SplitChoice::validation;
  std::string output;  ///< HDF5 file; empty: no files
};

enum class PredictionFormat { csv, jsonl };

/// Options of `incubate predict` besides the run's configuration.
struct PredictConfig {
  NetworkChoice network;
  SplitChoice split = SplitChoice::validation;  ///< of data.file, if no images are named
  std::int64_t top = 1;
  std::int64_t batch = 64;
  std::string class_names_file;
  PredictionFormat output_format = PredictionFormat::csv;
  std::string output;  ///< empty: standard output
};

std::vector<Setting> list_settings(EvaluateConfig& config);
std::vector<Setting> list_settings(PredictConfig& config);

/// Throws InputError unless one network is named.
void validate(const NetworkChoice& network, const char* command);

}  // namespace incubate
