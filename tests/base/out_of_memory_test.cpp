#include "base/out_of_memory.h"

#include <new>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

const MemoryNeed kNeed = {.subject = "meta", .needed = "each rank needs about 3 GB", .remedy = "Take less."};

std::string explained(const std::function<void()>& work) {
  return thrown_message<OutOfMemoryError>([&] { explain_lack_of_memory([] { return kNeed; }, work); });
}

TEST(OutOfMemory, AFailedAllocationBecomesOneLine) {
  EXPECT_EQ(explained([] { throw std::bad_alloc(); }),
            "meta: not enough memory (each rank needs about 3 GB). Take less.");
  // More than a vector may hold.
  EXPECT_EQ(explained([] { std::vector<double>().reserve(std::size_t{1} << 62); }),
            "meta: not enough memory (each rank needs about 3 GB). Take less.");
}

TEST(OutOfMemory, TheAllocationThatFailedIsQuoted) {
  EXPECT_EQ(explained([] {
              throw std::runtime_error(
                  "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried "
                  "to allocate 68719476736 bytes. Error code 12 (Cannot allocate memory)\nframe #0: c10::x");
            }),
            "meta: not enough memory (each rank needs about 3 GB; an allocation of 68719476736 bytes failed). Take "
            "less.");
  EXPECT_EQ(
      explained([] {
        throw std::runtime_error("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of");
      }),
      "meta: not enough memory (each rank needs about 3 GB; an allocation of 20.00 MiB failed). Take less.");
}

TEST(OutOfMemory, EveryLibraryHasItsOwnWords) {
  for (const char* message :
       {"CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", "Storage size calculation overflowed with",
        "Insufficient memory (case 4)", "Out of memory", "memory allocation failed for raw data chunk",
        "MPI_ERR_NO_MEM: out of memory", "mmap failed: Cannot allocate memory"}) {
    EXPECT_TRUE(says_out_of_memory(message)) << message;
  }
  EXPECT_FALSE(says_out_of_memory("No space left on device"));
}

TEST(OutOfMemory, OtherErrorsStayAsTheyAre) {
  const auto explain = [](const auto& error) {
    return [&error] { explain_lack_of_memory([] { return kNeed; }, [&error] { throw error; }); };
  };
  EXPECT_EQ(thrown_message<std::runtime_error>(explain(std::runtime_error("a"))), "a");
  EXPECT_EQ(thrown_message<InputError>(explain(InputError("out of memory.ini is missing"))),
            "out of memory.ini is missing");
  EXPECT_EQ(thrown_message<OutOfMemoryError>(explain(OutOfMemoryError("stage_0: not enough memory."))),
            "stage_0: not enough memory.");
  EXPECT_EQ(explain_lack_of_memory([] { return kNeed; }, [] { return 3; }), 3);
}

}  // namespace
}  // namespace incubate
