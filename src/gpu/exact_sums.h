#pragma once

#include <cstdint>
#include <span>

namespace incubate::gpu {

// The sums of base/exact_sum.h on a GPU, bit for bit. Pointers are to its memory; what is launched runs on the current
// stream, and nothing waits for it. What cannot be launched is a c10::Error.

/// Beside the gradients' sums.
struct LossSums {
  std::int64_t* loss = nullptr;              ///< units of 2^-40
  std::int64_t* num_out_of_range = nullptr;  ///< micro-batches with a gradient or loss that could not be added
  std::int32_t* is_out_of_range = nullptr;   ///< of a gradient of this micro-batch; 0 afterwards
};

/// Adds a part of the gradients to that of the sums; where they are the `is_first`, whatever the sums hold is
/// overwritten.
void add_gradients(std::span<const float> gradients, bool is_first, std::int64_t* gradient_sums,
                   std::int32_t* is_out_of_range);

/// Adds the micro-batch's loss, after all of its gradients.
void add_loss(const float* loss, const LossSums& sums);

/// mean[i] = sums[i] / (2^40 * *divisor), rounded once to float.
void exact_mean(const std::int64_t* sums, std::int64_t size, const double* divisor, float* mean);

}  // namespace incubate::gpu
