#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace incubate {

/// The fuzzer's bytes as choices. After the last byte every choice is 0.
class ByteSource {
 public:
  explicit ByteSource(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool is_empty() const { return bytes_.empty(); }
  std::uint8_t byte() { return number<std::uint8_t>(); }
  /// Returns 0 .. count-1. REQUIRES: count <= 256.
  std::size_t choice(std::size_t count) { return byte() % count; }
  template <typename T>
  T number() {
    T value{};
    const std::string bytes = text(sizeof(T));
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  /// Returns the remaining bytes, at most `size`.
  std::string text(std::size_t size) {
    const auto head = bytes_.first(std::min(size, bytes_.size()));
    bytes_ = bytes_.subspan(head.size());
    return {head.begin(), head.end()};
  }
  std::string rest() { return text(bytes_.size()); }

 private:
  std::span<const std::uint8_t> bytes_;
};

}  // namespace incubate
