#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/record_function.h>

namespace incubate {

/// Returns whether a call of ATen would wait for a GPU. It does for a copy to a device (unless host memory is
/// page-locked) and for a result whose size or value the host needs.
inline bool may_wait(const at::RecordFunction& call) {
  constexpr std::array<std::string_view, 4> kReads = {"aten::nonzero", "aten::_local_scalar_dense", "aten::is_nonzero",
                                                      "aten::masked_select"};
  const auto name = call.operator_name();
  if (!name) return false;
  // A call that names a dtype converts values in place, as autograd does.
  const bool is_to_device =
      name->name == "aten::to" && name->overload_name == "dtype_layout" && call.inputs()[1].isNone();
  return is_to_device || std::ranges::count(kReads, std::string_view(name->name)) > 0;
}

/// Returns the names of ATen's operators within `function`, on this thread, for which may_wait() holds. The CPU calls
/// the same operators as a GPU, without waiting.
inline std::vector<std::string> list_device_waits(const std::function<void()>& function) {
  static thread_local std::vector<std::string> names;
  names.clear();
  const auto note = [](const at::RecordFunction& call) -> std::unique_ptr<at::ObserverContext> {
    if (may_wait(call)) names.emplace_back(call.name());
    return nullptr;
  };
  const at::CallbackHandle handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(note).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  function();
  at::removeCallback(handle);
  return std::exchange(names, {});
}

}  // namespace incubate
