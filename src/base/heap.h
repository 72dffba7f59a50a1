#pragma once

namespace incubate {

/// Has the heap keep what is given back. A training step claims and gives back the same tensors over and over; the C
/// library would return each large one to the system, which then has to clear every page again: a third of a small
/// network's step. Costs no memory beyond the peak. To be called before threads are started.
void keep_freed_memory();

}  // namespace incubate
