#pragma once

#include <cstdint>
#include <span>

namespace incubate::gpu {

// The sums of base/exact_sum.h on a GPU, bit for bit. Pointers are to GPU memory. Kernels run asynchronously on the
// current stream. A launch that fails throws c10::Error.

/// Sums besides the gradients'.
struct LossSums {
  std::int64_t* loss = nullptr;              ///< units of 2^-40
  std::int64_t* num_out_of_range = nullptr;  ///< micro-batches whose gradient or loss could not be added
  std::int32_t* is_out_of_range = nullptr;   ///< 1 if a gradient of this micro-batch was; add_loss() clears it
};

/// Adds a part of the gradients to its sums. With `is_first` it overwrites the sums.
void add_gradients(std::span<const float> gradients, bool is_first, std::int64_t* gradient_sums,
                   std::int32_t* is_out_of_range);

/// Adds the micro-batch's loss. REQUIRES: all its gradients were added.
void add_loss(const float* loss, const LossSums& sums);

/// Sets mean[i] = sums[i] / (2^40 * *divisor), rounded once to float.
void exact_mean(const std::int64_t* sums, std::int64_t size, const double* divisor, float* mean);

}  // namespace incubate::gpu
