#pragma once

#include <ATen/record_function.h>

/// Shows the rest of the scope to profilers as the operator "incubate::NAME", beside ATen's operators. `name` is a
/// literal. Without a profiler this takes 0.1 microseconds, as for every operator of ATen.
#define INCUBATE_RECORD_OP(name) RECORD_FUNCTION("incubate::" name, c10::ArrayRef<const c10::IValue>{})
