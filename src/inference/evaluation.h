#pragma once

#include <string>
#include <vector>

#include "base/figures.h"
#include "base/log.h"
#include "hdf5/atomic_file.h"
#include "inference/trained_network.h"
#include "vision/dataset.h"

namespace incubate {

/// Holds how well a network tells labelled images apart.
struct Evaluation {
  std::int64_t num_images = 0;
  std::vector<MetricInfo> infos;  ///< of `figures`
  Figures figures;
  std::vector<std::string> class_names;  ///< of the network
  std::vector<std::int64_t> confusion;   ///< classes x classes images: by true class, then by predicted class
};

/// A class's part of an evaluation. Ratios without images are 0.
struct ClassFigures {
  std::int64_t images = 0;   ///< of this class
  std::int64_t correct = 0;  ///< of them
  double recall = 0;         ///< correct / images: the class's top-1
  double precision = 0;      ///< correct / images that the network takes for this class
  double f1 = 0;             ///< harmonic mean of both
};
std::vector<ClassFigures> list_class_figures(const Evaluation& evaluation);

/// Evaluates `network` on a split of the images of `file`, which `data` describes. Classes are matched by name. The
/// figures are the same on any number of ranks, and on the validation images of the training itself the last ones that
/// it recorded. Throws AgreedInputError if the images do not fit the network. Collective over `group`.
Evaluation evaluate_network(const RunConfig& config, const TrainedNetwork& network, const DatasetInfo& data,
                            Split split, ProcessGroup& group, Log& log);

/// An evaluation's files say this besides its figures.
struct EvaluationOrigin {
  std::string network;
  std::string identity;  ///< of the training; empty for weights of a file
  std::string data_file;
  std::string data_digest;
  Split split = Split::validation;
};

inline constexpr const char* kEvaluationFiletype = "incubate evaluation";

/// Throws InputError if one of the files that write_evaluation() writes cannot be named so, or would replace a file of
/// another kind.
void check_evaluation_output(const FilePath& output);

/// Writes F.h5 (layout: FORMAT.md), and beside it F-classes.csv and F-confusion.csv. Returns their paths.
std::vector<FilePath> write_evaluation(const FilePath& output, const Evaluation& evaluation,
                                       const EvaluationOrigin& origin);

}  // namespace incubate
