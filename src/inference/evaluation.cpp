#include "inference/evaluation.h"

#include <algorithm>
#include <optional>

#include <torch/torch.h>

#include "base/check.h"
#include "base/output_name.h"
#include "base/version.h"
#include "data/loader.h"
#include "gpu/device_memory.h"
#include "hdf5/verified_file.h"
#include "inference/csv_field.h"
#include "report/progress.h"
#include "run/shared_data.h"
#include "train/evaluate.h"

namespace incubate {
namespace {

constexpr const char* kClassesHeader = "class,images,correct,recall,precision,f1";
constexpr const char* kConfusionCorner = "true \\ predicted";

/// The images of another dataset, with labels of the network's classes.
class RelabelledDataset final : public Dataset {
 public:
  RelabelledDataset(const Dataset& dataset, std::vector<std::int64_t> labels)
      : dataset_(dataset), labels_(std::move(labels)) {}
  std::int64_t num_images() const override { return dataset_.num_images(); }
  std::int64_t channels() const override { return dataset_.channels(); }
  std::int64_t value_bytes() const override { return dataset_.value_bytes(); }
  std::int64_t height() const override { return dataset_.height(); }
  std::int64_t width() const override { return dataset_.width(); }
  std::int64_t label(std::int64_t index) const override { return labels_[dataset_.label(index)]; }
  std::unique_ptr<const ImageSource> open(std::int64_t index) const override { return dataset_.open(index); }

 private:
  const Dataset& dataset_;
  std::vector<std::int64_t> labels_;
};

/// Returns the network's class of each class of the data, by name.
std::vector<std::int64_t> match_classes(const RunConfig& config, const TrainedNetwork& network,
                                        const DatasetInfo& data) {
  std::vector<std::int64_t> labels;
  if (network.class_names.empty()) {
    check_input(data.num_classes() == config.model.classes,
                "{} has {} classes, but {} tells {} apart, and no file says their names. Give images of these classes.",
                config.data.file, data.num_classes(), network.origin, config.model.classes);
    for (std::int64_t i = 0; i < data.num_classes(); ++i) labels.push_back(i);
    return labels;
  }
  for (const std::string& name : data.class_names) {
    const auto found = std::ranges::find(network.class_names, name);
    check_input(found != network.class_names.end(),
                "{} has the class '{}', which {} does not know (it was trained on {} classes, '{}' and others). Give "
                "images of its classes, under the same names.",
                config.data.file, name, network.origin, network.class_names.size(), network.class_names.front());
    labels.push_back(found - network.class_names.begin());
  }
  return labels;
}

}  // namespace

std::vector<ClassFigures> list_class_figures(const Evaluation& evaluation) {
  const std::size_t n = evaluation.class_names.size();
  std::vector<ClassFigures> list(n);
  std::vector<std::int64_t> predicted(n);
  for (std::size_t truth = 0; truth < n; ++truth) {
    for (std::size_t found = 0; found < n; ++found) {
      const std::int64_t images = evaluation.confusion[(truth * n) + found];
      list[truth].images += images;
      predicted[found] += images;
      if (truth == found) list[truth].correct = images;
    }
  }
  const auto ratio = [](double part, double whole) { return whole > 0 ? part / whole : 0; };
  for (std::size_t i = 0; i < n; ++i) {
    ClassFigures& c = list[i];
    c.recall = ratio(static_cast<double>(c.correct), static_cast<double>(c.images));
    c.precision = ratio(static_cast<double>(c.correct), static_cast<double>(predicted[i]));
    c.f1 = ratio(2 * c.recall * c.precision, c.recall + c.precision);
  }
  return list;
}

Evaluation evaluate_network(const RunConfig& config, const TrainedNetwork& network, const DatasetInfo& data,
                            Split split, ProcessGroup& group, Log& log) {
  std::vector<std::int64_t> labels;
  agree(group.communicator(), [&] {
    check_images_fit(config, network, data);
    labels = match_classes(config, network, data);
  });
  const std::unique_ptr<const Dataset> opened = open_on_all(config.data.file, split, group.communicator());
  const RelabelledDataset dataset(*opened, labels);
  const std::int64_t batch = config.phase(network.training.phase).micro;
  // Images of either split are prepared as for evaluation.
  Loader loader(network.task->make_samples(dataset, Split::validation),
                std::make_unique<SequentialSampler>(choose_samples(dataset.num_images(), dataset.num_images()), batch,
                                                    group.rank(), group.size()),
                {.workers = config.data.workers,
                 .depth = config.data.prefetch,
                 .memory = batch_memory(group.device()),
                 .on_error = config.data.on_error,
                 .warn = [&log](const std::string& message) { log.warn(message); }});
  std::optional<Progress> progress;
  if (group.is_leader()) progress.emplace(automatic_progress_style(), stderr);
  const std::int64_t own = ((dataset.num_images() / batch) + 1) / group.size();
  std::int64_t done = 0;
  const std::int64_t classes = config.model.classes;
  torch::Tensor confusion = torch::zeros({classes, classes}, torch::kInt64);
  StagedModel* const model = network.model.get();
  const auto on_output = [&](const torch::Tensor& output, const Targets& targets) {
    network.task->add_confusion(output, targets, confusion);
    if (!progress || ++done >= own) return;
    const double fraction = static_cast<double>(done) / static_cast<double>(own);
    progress->update("evaluate", fmt::format("evaluate    [{}] {:3.0f}%", draw_bar(fraction), 100 * fraction), false);
  };
  Evaluation evaluation;
  evaluation.num_images = dataset.num_images();
  evaluation.infos = network.task->list_metrics();
  evaluation.figures = evaluate(std::span(&model, 1), *network.task, loader, group, on_output).front();
  group.communicator().all_reduce_sum(std::span(confusion.data_ptr<std::int64_t>(), confusion.numel()),
                                      "the confusion matrix");
  agree(group.communicator(), [&] {
    check_input(are_finite(evaluation.figures),
                "{} gives values that are not finite: its weights have diverged. Nothing is written. Use another "
                "network.",
                network.origin);
  });
  evaluation.confusion.assign(confusion.data_ptr<std::int64_t>(),
                              confusion.data_ptr<std::int64_t>() + confusion.numel());
  evaluation.class_names = network.class_names.empty() ? data.class_names : network.class_names;
  return evaluation;
}

namespace {

FilePath beside(const FilePath& output, const char* suffix) {
  return output.parent_path() / (output.stem().string() + suffix);
}
FilePath classes_path(const FilePath& output) { return beside(output, "-classes.csv"); }
FilePath confusion_path(const FilePath& output) { return beside(output, "-confusion.csv"); }

std::string print_classes(const Evaluation& evaluation) {
  const std::vector<ClassFigures> classes = list_class_figures(evaluation);
  std::string text = std::string(kClassesHeader) + "\n";
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const ClassFigures& c = classes[i];
    text += fmt::format("{},{},{},{:.6g},{:.6g},{:.6g}\n", csv_field(evaluation.class_names[i]), c.images, c.correct,
                        c.recall, c.precision, c.f1);
  }
  return text;
}

std::string print_confusion(const Evaluation& evaluation) {
  const std::size_t n = evaluation.class_names.size();
  std::string text = kConfusionCorner;
  for (const std::string& name : evaluation.class_names) text += "," + csv_field(name);
  text += "\n";
  for (std::size_t truth = 0; truth < n; ++truth) {
    text += csv_field(evaluation.class_names[truth]);
    for (std::size_t found = 0; found < n; ++found) {
      text += fmt::format(",{}", evaluation.confusion[(truth * n) + found]);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

void check_evaluation_output(const FilePath& output) {
  check_output_name(output.string());
  check_input(output.extension() == ".h5", "--output={} does not end in .h5 (it is an HDF5 file). Let it end so.",
              output.string());
  check_output_place(output);
  check_replaceable(output, {kEvaluationFiletype});
  check_text_replaceable(classes_path(output), kClassesHeader);
  check_text_replaceable(confusion_path(output), kConfusionCorner);
}

std::vector<FilePath> write_evaluation(const FilePath& output, const Evaluation& evaluation,
                                       const EvaluationOrigin& origin) {
  write_verified_file(output, [&](Hdf5File& file) {
    file.write_attribute("filetype", kEvaluationFiletype);
    file.write_attribute("version", std::int64_t{1});
    file.write_attribute("git_sha1", kGitSha1);
    file.write_attribute("network", origin.network);
    file.write_attribute("identity", origin.identity);
    file.write_attribute("data_file", origin.data_file);
    file.write_attribute("data_digest", origin.data_digest);
    file.write_attribute("split", to_string(origin.split));
    file.write_attribute("num_images", evaluation.num_images);
    for (const auto& [name, value] : evaluation.figures) file.write("/figures/" + name, std::vector<double>{value});
    file.write_strings("/class_names", evaluation.class_names);
    const hsize_t n = evaluation.class_names.size();
    file.write<std::int64_t>("/confusion", evaluation.confusion, {n, n});
    std::vector<std::int64_t> images, correct;
    std::vector<double> recall, precision, f1;
    for (const ClassFigures& c : list_class_figures(evaluation)) {
      images.push_back(c.images);
      correct.push_back(c.correct);
      recall.push_back(c.recall);
      precision.push_back(c.precision);
      f1.push_back(c.f1);
    }
    file.write("/classes/images", images);
    file.write("/classes/correct", correct);
    file.write("/classes/recall", recall);
    file.write("/classes/precision", precision);
    file.write("/classes/f1", f1);
  });
  replace_text_atomically(classes_path(output), print_classes(evaluation));
  replace_text_atomically(confusion_path(output), print_confusion(evaluation));
  return {output, classes_path(output), confusion_path(output)};
}

}  // namespace incubate
