// Tests steps in which every rank has a GPU. (model/device_copies_test.cpp tests on a CPU what is possible there.)

#include <algorithm>
#include <string>
#include <vector>

#include <ATen/record_function.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "gpu/device_memory.h"
#include "support/group_on_each_device.h"
#include "support/small_training.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

/// Records every wait for the GPU that PyTorch reports, also on autograd's thread, which passes its warnings on.
class WaitListener : public c10::WarningHandler {
 public:
  void process(const c10::Warning& warning) override { waits_.push_back(warning.msg()); }
  void listen() { set_mode(c10::cuda::SyncDebugMode::L_WARN); }
  void stop() { set_mode(c10::cuda::SyncDebugMode::L_DISABLED); }
  const std::vector<std::string>& waits() const { return waits_; }

 private:
  static void set_mode(c10::cuda::SyncDebugMode mode) { c10::cuda::warning_state().set_sync_debug_mode(mode); }

  std::vector<std::string> waits_;
  c10::WarningUtils::WarningHandlerGuard guard_{this};
};

class StepOnGpu : public GroupOnEachDevice {
 protected:
  void train(SmallTraining& training, const StepHooks& hooks = {}) {
    Loader images = data_.train_loader({.memory = batch_memory(device())});
    Loader validation = data_.validation_loader(*group_);
    const Participant participant = training.participant();
    train_together(std::span(&participant, 1), images, {validation, validation}, *group_, {}, hooks);
  }

  SmallData data_;
};
INSTANTIATE_TEST_SUITE_P(Device, StepOnGpu, testing::Values(torch::kCUDA), device_name);

const std::vector<bool> kAll(3, true);

TEST_P(StepOnGpu, NothingWaitsForTheGpuWithStochasticDepth) {
  ModelSpec in_bf16 = target_spec(tiny_model_config());
  in_bf16.precision = Precision::bf16;
  for (const ModelSpec& spec : {target_spec(tiny_model_config()), in_bf16, target_spec(tiny_resnet_config())}) {
    SmallTraining training(*group_, small_recipe(), kAll, spec, 10, {}, OnNonfinite::stop,
                           {.reads_late = true, .overlap_reduction = true});
    ASSERT_GT(training.trainer().drop_path_rates().back(), 0);
    WaitListener listener;
    int step = 0;
    // The first steps take memory and load kernels. Evaluations wait, outside of steps.
    train(training, {.before_step =
                         [&] {
                           if (step++ >= 2) listener.listen();
                         },
                     .after_step = [&] { listener.stop(); }});
    EXPECT_EQ(listener.waits(), std::vector<std::string>());
    listener.listen();
    training.values().max().item();
    listener.stop();
    EXPECT_EQ(listener.waits().size(), 1) << "nothing is heard";
  }
}

/// Counts forward passes of this thread that launch their kernels.
struct ForwardPasses {
  static thread_local int count;
  at::CallbackHandle handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback([](const at::RecordFunction& record) -> std::unique_ptr<at::ObserverContext> {
        if (std::string(record.name()) == "forward") ++count;
        return nullptr;
      }).scopes({at::RecordScope::USER_SCOPE}));
  ForwardPasses() { count = 0; }
  ~ForwardPasses() { at::removeCallback(handle); }
};
thread_local int ForwardPasses::count = 0;

TEST_P(StepOnGpu, PassesAreRecordedOnceAndGiveTheSame) {
  PhaseConfig recipe = small_recipe();
  recipe.drop_path = 0;
  std::vector<torch::Tensor> values;
  std::vector<int> counts;
  for (const bool cuda_graph : {false, true}) {
    SmallTraining training(*group_, recipe, kAll, target_spec(tiny_model_config()), 10, {}, OnNonfinite::stop,
                           {.reads_late = true, .overlap_reduction = true, .cuda_graph = cuda_graph});
    const ForwardPasses passes;
    train(training);
    counts.push_back(ForwardPasses::count);
    values.push_back(training.values().clone());
  }
  EXPECT_EQ(counts[1], std::min(counts[0], 4));
  EXPECT_TRUE(torch::allclose(values[1], values[0], 1e-3, 1e-5));
}

}  // namespace
}  // namespace incubate
