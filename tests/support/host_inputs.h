#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/record_function.h>
#include <torch/types.h>

namespace incubate {

/// Whether it is a tensor, or holds one, in host memory. A plain number beside a tensor is none.
inline bool is_on_host(const c10::IValue& value) {
  const auto is_host = [](const at::Tensor& t) {
    return t.defined() && t.is_cpu() && !t.unsafeGetTensorImpl()->is_wrapped_number();
  };
  if (value.isTensor()) return is_host(value.toTensor());
  return value.isTensorList() && std::ranges::any_of(value.toTensorVector(), is_host);
}

/// Returns the names of ATen's operators that get a tensor in host memory while this thread calls `function`, one for
/// each call. With everything on torch::kMeta, which stands for a GPU, these are copies to the device and what is
/// computed before them.
inline std::vector<std::string> list_host_inputs(const std::function<void()>& function) {
  static thread_local std::vector<std::string> names;
  names.clear();
  const auto note = [](const at::RecordFunction& record) -> std::unique_ptr<at::ObserverContext> {
    if (std::ranges::any_of(record.inputs(), is_on_host)) names.emplace_back(record.name());
    return nullptr;
  };
  const at::CallbackHandle handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(note).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  function();
  at::removeCallback(handle);
  return std::exchange(names, {});
}

}  // namespace incubate
