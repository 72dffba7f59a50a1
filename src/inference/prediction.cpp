#include "inference/prediction.h"

#include <mutex>

#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include "data/loader.h"
#include "gpu/device_memory.h"
#include "inference/csv_field.h"

namespace incubate {
namespace {

/// Keeps what is wrong with images, by index.
class DamagedImages {
 public:
  void note(std::int64_t index, const std::string& message) {
    const std::lock_guard lock(mutex_);
    messages_[index] = message;
  }
  /// Returns nothing for an intact image.
  std::optional<std::string> find(std::int64_t index) const {
    const std::lock_guard lock(mutex_);
    const auto found = messages_.find(index);
    return found == messages_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::int64_t, std::string> messages_;
};

/// The samples of another maker. An image that cannot be read is noted, and stays black.
class TolerantSamples final : public SampleMaker {
 public:
  TolerantSamples(std::unique_ptr<const SampleMaker> maker, DamagedImages& damaged)
      : maker_(std::move(maker)), damaged_(damaged) {}
  std::int64_t num_samples() const override { return maker_->num_samples(); }
  std::unique_ptr<Batch> begin(const BatchPlace& place, std::span<const Sample> samples,
                               std::pmr::memory_resource* memory) const override {
    return maker_->begin(place, samples, memory);
  }
  void make(Batch& batch, std::int64_t k, const Sample& sample) const override {
    try {
      maker_->make(batch, k, sample);
    } catch (const DamagedSampleError& error) {
      damaged_.note(sample.index, error.what());
    }
  }

 private:
  std::unique_ptr<const SampleMaker> maker_;
  DamagedImages& damaged_;
};

/// Prints lines of predictions.
class PredictionLines {
 public:
  PredictionLines(const TrainedNetwork& network, const PredictConfig& options) : network_(network), options_(options) {}

  std::string print(const std::string& image, const std::vector<ClassScore>& ranking) const {
    if (options_.output_format == PredictionFormat::csv) {
      std::string line = csv_field(image);
      for (const ClassScore& score : ranking) {
        line += fmt::format(",{},{:.6g}", csv_field(name_of(score.label)), score.probability);
      }
      return line + "\n";
    }
    nlohmann::ordered_json object = {{"image", image}};
    for (const ClassScore& score : ranking) {
      object["classes"].push_back({{"label", name_of(score.label)}, {"probability", score.probability}});
    }
    return print(object);
  }
  std::string print_damaged(const std::string& image, const std::string& error) const {
    if (options_.output_format == PredictionFormat::csv) {
      return csv_field(image) + std::string(2 * options_.top, ',') + "\n";
    }
    return print({{"image", image}, {"error", error}});
  }

 private:
  std::string name_of(std::int64_t label) const {
    return network_.class_names.empty() ? std::to_string(label) : network_.class_names[label];
  }
  static std::string print(const nlohmann::ordered_json& object) {
    return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }

  const TrainedNetwork& network_;
  const PredictConfig& options_;
};

/// Returns the images of every `num_ranks`-th batch, from that of `rank` on.
std::vector<std::uint32_t> deal_batches(std::int64_t num_images, std::int64_t batch, int rank, int num_ranks) {
  std::vector<std::uint32_t> indices;
  for (std::int64_t first = rank * batch; first < num_images; first += num_ranks * batch) {
    for (std::int64_t i = first; i < std::min(first + batch, num_images); ++i) {
      indices.push_back(static_cast<std::uint32_t>(i));
    }
  }
  return indices;
}

}  // namespace

std::string prediction_begin(const PredictConfig& options) {
  return options.output_format == PredictionFormat::csv ? "image,label,probability" : "{\"image\":";
}

std::string prediction_header(const PredictConfig& options) {
  if (options.output_format == PredictionFormat::jsonl) return "";
  std::string header = prediction_begin(options);
  for (std::int64_t k = 2; k <= options.top; ++k) header += fmt::format(",label_{},probability_{}", k, k);
  return header + "\n";
}

PredictionCounts predict(const TrainedNetwork& network, const NamedImages& images, const PredictConfig& options,
                         std::int64_t workers, ProcessGroup& group,
                         const std::function<void(const std::string& text)>& write,
                         const std::function<void(const std::string& message)>& warn) {
  const torch::NoGradGuard no_grad;
  network.model->eval();
  DamagedImages damaged;
  const std::int64_t num_images = images.dataset.num_images();
  Loader loader(std::make_unique<TolerantSamples>(images.task.make_samples(images.dataset, Split::validation), damaged),
                std::make_unique<SequentialSampler>(deal_batches(num_images, options.batch, group.rank(), group.size()),
                                                    options.batch),
                {.workers = workers, .memory = batch_memory(group.device())});
  const PredictionLines lines(network, options);
  PredictionCounts counts;
  const std::int64_t num_batches = (num_images + options.batch - 1) / options.batch;
  std::optional<BatchPlace> place = loader.sampler().first();
  for (std::int64_t round = 0; round * group.size() < num_batches; ++round) {
    std::string text;
    if (place) {
      const std::unique_ptr<Batch> batch = loader.load(*place);
      const DeviceBatch tensors = images.task.to_device(*batch, group.device());
      const auto rankings = images.task.rank_classes(network.model->forward(tensors.input, {}), options.top);
      const std::int64_t first = ((round * group.size()) + group.rank()) * options.batch;
      for (std::int64_t i = 0; i < batch->size; ++i) {
        const std::string name = images.name(first + i);
        const std::optional<std::string> wrong = damaged.find(first + i);
        if (wrong) warn(*wrong);
        text += wrong ? lines.print_damaged(name, *wrong) : lines.print(name, rankings[i]);
        ++(wrong ? counts.damaged : counts.predicted);
      }
      place = loader.sampler().next(*place);
    }
    for (const std::string& part : group.communicator().gather(text, "gathering predictions")) {
      if (group.is_leader()) write(part);
    }
  }
  std::vector<std::int64_t> sums = {counts.predicted, counts.damaged};
  group.communicator().all_reduce_sum(std::span(sums), "counting predictions");
  return {.predicted = sums[0], .damaged = sums[1]};
}

}  // namespace incubate
