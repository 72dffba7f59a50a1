#pragma once

#include <optional>

#include <c10/core/Event.h>
#include <torch/types.h>

namespace incubate {

/// A small tensor on its way to host memory. From a GPU it goes page-locked and behind what the current stream does, so
/// that nothing waits for it before ProcessGroup::wait_for().
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
