#include "forecast/gpu_memory.h"

#include <gtest/gtest.h>

#include "config/network.h"
#include "forecast/made_up_training.h"
#include "model/stage_cost.h"
#include "model/staged_model.h"
#include "support/tiny_model.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

constexpr std::int64_t kLibraries = kContextBytes + kCublasBytes + kNcclBytes;

Training in_bf16(Training training) {
  training.spec.precision = Precision::bf16;
  return training;
}

Training everything() { return in_bf16(training_of(target_spec(tiny_model_config()), {true, true, true})); }

GpuMemory memory_of(const Training& training, const MemorySettings& settings) {
  return gpu_memory_per_rank({&training}, settings);
}

/// The reserve is rounded down.
void expect_sums(const GpuMemory& memory) {
  const std::int64_t allocated = memory.state() + memory.tensors.activations + memory.working;
  EXPECT_EQ(memory.reserve, allocated / 20);
  EXPECT_EQ(memory.libraries, kLibraries);
  EXPECT_EQ(memory.total(), allocated + (allocated / 20) + kLibraries);
}

// tests/model/stage_activations_test.cpp has the sizes of the stages. An image has 256 bytes.
TEST(GpuMemory, OfATrainingOfEverything) {
  const Training training = everything();
  const std::int64_t parameters = num_parameters(training);
  const GpuMemory memory = memory_of(training, {.micro = 3});
  EXPECT_EQ(memory.tensors.weights, 4 * parameters);
  EXPECT_EQ(memory.tensors.gradients, 4 * parameters);
  EXPECT_EQ(memory.tensors.optimizer, 8 * parameters);
  EXPECT_EQ(memory.tensors.sums, 8 * parameters);
  EXPECT_EQ(memory.copies, 2 * ((5 * 8 * 8 * 8) + (16 * 8)));
  EXPECT_EQ(memory.state(), (24 * parameters) + memory.copies);
  // Four blocks, the last block, patches, the head and an image.
  EXPECT_EQ(memory.tensors.activations, 3 * ((4 * 1240) + 664 + 128 + 96 + 256));
  EXPECT_EQ(memory.working, (3 * 800) + 384);
  expect_sums(memory);

  const GpuMemory recomputed = memory_of(training, {.micro = 3, .recompute = Recompute::blocks});
  EXPECT_EQ(recomputed.tensors.activations, 3 * ((400 + 128) + 160 + (400 + 96) + (1240 + 320) + 256));
  EXPECT_EQ(recomputed.working, memory.working);
  EXPECT_EQ(recomputed.state(), memory.state());
  expect_sums(recomputed);
}

TEST(GpuMemory, InFp32ThereAreNoCopies) {
  Training training = everything();
  training.spec.precision = Precision::fp32;
  const GpuMemory memory = memory_of(training, {.micro = 3});
  EXPECT_EQ(memory.copies, 0);
  EXPECT_EQ(memory.tensors.activations,
            3 * ((4 * 2040) + (5 * (40 + (4 * 32))) + (40 + (2 * 32) + 8 + (2 * 64)) + 256 + 96 + 256));
}

TEST(GpuMemory, FrozenStagesHaveCopiesAndOnesInFrontKeepTheirOutputs) {
  const Training training = in_bf16(incubation_of(2));  // behind two frozen stages of one block
  const GpuMemory memory = memory_of(training, {.micro = 3});
  EXPECT_EQ(memory.copies, 2 * ((4 * 8 * 8 * 8) + (16 * 8)));
  EXPECT_EQ(memory.tensors.weights, 4 * num_parameters(training));
  EXPECT_EQ(memory.tensors.gradients, 4 * num_learning_parameters(training));
  EXPECT_EQ(memory.tensors.activations, 3 * (256 + 160 + 1240 + 664 + 96));
  // Behind the stage: stage 1 and the class token's block of stage 2.
  EXPECT_EQ(memory_of(in_bf16(incubation_of(0)), {}).tensors.activations, 256 + (2 * 1240) + 128 + 920 + (536 + 64));
}

TEST(GpuMemory, FastSumsAndAverages) {
  const Training training = everything();
  const std::int64_t bytes = 4 * num_parameters(training);
  EXPECT_EQ(memory_of(training, {.sums = Sums::fast}).tensors.sums, bytes);
  const GpuMemory averaged = memory_of(training, {.micro = 1, .has_average = true});
  EXPECT_EQ(averaged.tensors.average, bytes);
  // With one image the exchange of weights and average, without activations, is the most.
  EXPECT_EQ(averaged.working, bytes - averaged.tensors.activations);
  expect_sums(averaged);
}

TEST(GpuMemory, OfAResidualNetwork) {
  const Training training = training_of(target_spec(tiny_resnet_config()), {false, true, false});
  const GpuMemory memory = memory_of(training, {.micro = 3});
  EXPECT_EQ(memory.copies, 0);
  EXPECT_EQ(memory.tensors.activations, activations_of(training, {.micro = 3}).kept);
  EXPECT_EQ(memory.working, (3 * 4 * 512) + (4 * 9 * 8 * 8));
  // The inputs of the four blocks, the last output, two sets of logits, one block, and an image.
  EXPECT_EQ(memory_of(training, {.micro = 3, .recompute = Recompute::blocks}).tensors.activations,
            3 * 4 * ((256 + 128) + (128 + 64) + (64 + (2 * 3)) + (5 * 128) + 64));
}

TEST(GpuMemory, AGroupHasFrozenStagesOnce) {
  const Training a = in_bf16(incubation_of(0));
  const Training b = in_bf16(incubation_of(2));
  const GpuMemory memory = gpu_memory_per_rank({&a, &b}, {});
  // Stage 1 is frozen in both.
  EXPECT_EQ(memory.copies,
            memory_of(a, {}).copies + memory_of(b, {}).copies - (2 * stage_cost(a.spec, 1).num_product_weights));
  EXPECT_EQ(memory.tensors.activations, memory_of(a, {}).tensors.activations);
  EXPECT_EQ(memory.libraries, kLibraries);
}

// A CUDA graph gives nothing back between passes: neither to what runs between them nor to another training's.
TEST(GpuMemory, RecordedPassesKeepTheirMemory) {
  const Training all = everything();
  const GpuMemory plain = memory_of(all, {.micro = 3});
  const GpuMemory recorded = memory_of(all, {.micro = 3, .is_recorded = true});
  EXPECT_EQ(recorded.tensors.activations, plain.tensors.activations + (3 * 256));  // a copy of the images
  EXPECT_EQ(recorded.working, plain.working);
  EXPECT_EQ(recorded.state(), plain.state());
  EXPECT_EQ(recorded.libraries, kLibraries + (32 * kMiB));

  const std::int64_t bytes = 4 * num_parameters(all);
  EXPECT_EQ(memory_of(all, {.micro = 3, .has_average = true, .is_recorded = true}).working, plain.working + bytes);

  // Two frozen stages come first. Their output has 160 bytes an image; the first one holds the most alone.
  const Training last = in_bf16(incubation_of(2));
  const GpuMemory behind = memory_of(last, {.micro = 3});
  const GpuMemory recorded_behind = memory_of(last, {.micro = 3, .is_recorded = true});
  EXPECT_EQ(recorded_behind.tensors.activations, behind.tensors.activations + (3 * 160));
  EXPECT_EQ(recorded_behind.working, behind.working + (3 * 5 * ((3 * 32) + (9 * 16))));

  const GpuMemory both = gpu_memory_per_rank({&all, &last}, {.micro = 3, .is_recorded = true});
  EXPECT_EQ(both.tensors.activations, recorded.tensors.activations + recorded_behind.tensors.activations);
  EXPECT_EQ(both.working, recorded.working + recorded_behind.working);
}

TEST(GpuMemory, TheLargestMicroBatchDividesTheBatch) {
  const Training training = everything();
  const auto largest = [&](std::int64_t micro, std::int64_t bytes) {
    return find_largest_micro({&training}, {.micro = micro}, 48, {"", bytes});
  };
  const std::int64_t of_12 = memory_of(training, {.micro = 12}).total();
  EXPECT_EQ(largest(12, of_12), 12);
  EXPECT_EQ(largest(24, of_12), 12);
  EXPECT_EQ(largest(24, of_12 - 1), 8);
  EXPECT_EQ(largest(4, of_12), 4);  // no more than is set
  EXPECT_EQ(largest(24, memory_of(training, {.micro = 1}).total() - 1), std::nullopt);
}

// Computed by hand: 197 tokens of 768, 12 heads. A block keeps 27,712 bytes a token in bfloat16, the last one less.
TEST(GpuMemory, OfViTBOnBothCards) {
  RunConfig config;
  config.run.precision = Precision::bf16;
  config.batch.global = 2048;
  config.phase(Phase::end_to_end).micro = 1024;
  Training training = in_bf16(training_of(target_spec(config.model), {true, true, true, true}));
  training.phase = Phase::end_to_end;
  const GpuPlan plan = plan_gpu(config, training, 1);
  const std::int64_t last = (197 * ((4 * 768) + 8 + (8 * 768))) + ((4 + 2 + 2 + 16) * 768) + 8 + 48;
  const std::int64_t head = (8 * 768) + 8 + 8000;
  const std::int64_t image = (4 + 2) * 3 * 224 * 224;  // and its patches
  EXPECT_EQ(plan.kept.tensors.activations, 1024 * ((std::int64_t{11} * 197 * 27712) + last + head + image));
  EXPECT_EQ(plan.kept.state(), (std::int64_t{24} * 86567656) + (2 * ((12 * 12 * 768 * 768) + (768 * 768))));
  EXPECT_EQ(plan.micro, 1024);
  EXPECT_EQ(plan.largest_micro[0].kept, 512);
  EXPECT_EQ(plan.largest_micro[0].recomputed, 1024);
  EXPECT_EQ(plan.largest_micro[1].kept, 1024);
  EXPECT_EQ(plan.largest_micro[1].recomputed, 1024);
}

}  // namespace
}  // namespace incubate
