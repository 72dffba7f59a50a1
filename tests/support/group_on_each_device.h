#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "parallel/device.h"
#include "parallel/process_group.h"
#include "support/test_world.h"

namespace incubate {

/// A group of all ranks, for tests on every device: on the CPU ("/cpu") and on GPUs ("/cuda"). GPU tests are skipped
/// unless every rank has its own GPU.
class GroupOnEachDevice : public testing::TestWithParam<torch::DeviceType> {
 protected:
  void SetUp() override {
    const bool is_gpu_test = GetParam() == torch::kCUDA;
    const torch::Device device = is_gpu_test ? gpu_if_all_have_one(test_world()).device : torch::Device(torch::kCPU);
    if (device.type() != GetParam()) GTEST_SKIP() << "not every rank has a GPU of its own";
    group_ = std::make_unique<ProcessGroup>(test_world().split(0), device);
  }
  torch::Device device() const { return group_->device(); }

  std::unique_ptr<ProcessGroup> group_;
};

inline std::string device_name(const testing::TestParamInfo<torch::DeviceType>& info) {
  return info.param == torch::kCPU ? "cpu" : "cuda";
}

// gtest's INSTANTIATE_TEST_SUITE_P is a macro too.
#define INCUBATE_TEST_ON_EACH_DEVICE(Test) \
  INSTANTIATE_TEST_SUITE_P(Device, Test, testing::Values(torch::kCPU, torch::kCUDA), device_name)

}  // namespace incubate
