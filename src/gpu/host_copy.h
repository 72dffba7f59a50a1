#pragma once

#include <optional>

#include <c10/core/Event.h>
#include <torch/types.h>

namespace incubate {

/// Copies a small tensor to host memory. From a GPU the copy is page-locked and queued on the current stream: only
/// ProcessGroup::wait_for() waits for it.
class HostCopy {
 public:
  explicit HostCopy(const torch::Tensor& source);

  bool is_there() const { return !copied_ || copied_->query(); }
  /// REQUIRES: is_there().
  const torch::Tensor& values() const { return values_; }

 private:
  torch::Tensor values_;
  std::optional<c10::Event> copied_;
};

}  // namespace incubate
