#include "base/random.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>
#include <xxhash.h>

namespace incubate {
namespace {

using Words = std::array<std::uint32_t, 4>;

/// Philox 4x32-10 as written in Salmon et al., SC11, section 3.3 and table 2.
Words philox(Words counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
    const auto high0 = static_cast<std::uint32_t>(product0 >> 32), low0 = static_cast<std::uint32_t>(product0);
    const auto high1 = static_cast<std::uint32_t>(product1 >> 32), low1 = static_cast<std::uint32_t>(product1);
    counter = {high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

std::vector<std::uint32_t> take(Generator generator, int count) {
  std::vector<std::uint32_t> words(count);
  for (std::uint32_t& word : words) word = generator.bits();
  return words;
}

// The known answers are Random123 1.14's, tests/kat_vectors.
TEST(Random, ReferencePhiloxHasThePublishedAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, GeneratorIsPhilox) {
  EXPECT_EQ(take(Generator(0, 0), 4), (std::vector<std::uint32_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const std::vector<std::uint32_t> words = take(Generator(0x299f31d0a4093822, 0x0370734413198a2e), 400);
  for (std::uint32_t block = 0; block < 100; ++block) {
    const Words expected = philox({block, 0, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0});
    for (int i = 0; i < 4; ++i) EXPECT_EQ(words[(4 * block) + i], expected[i]) << "block " << block << ", word " << i;
  }
}

TEST(Random, AddressIsHashedAsSeedPurposeAndNumbers) {
  const std::array<std::uint64_t, 5> words = {42, 3, 7, 8, 9};
  const XXH128_hash_t hash = XXH3_128bits(words.data(), sizeof(words));
  EXPECT_EQ(take(make_generator(42, Purpose::augmentation, {7, 8, 9}), 8), take(Generator(hash.low64, hash.high64), 8));
}

TEST(Random, EqualAddressesGiveEqualNumbersAndOthersDiffer) {
  const auto at = [](std::uint64_t seed, Purpose purpose, std::initializer_list<std::uint64_t> address) {
    return take(make_generator(seed, purpose, address), 4);
  };
  EXPECT_EQ(at(1, Purpose::shuffle, {2, 3}), at(1, Purpose::shuffle, {2, 3}));
  std::set<std::vector<std::uint32_t>> streams;
  int num_addresses = 0;
  for (const std::uint64_t seed : {0, 1, 2}) {
    for (const Purpose purpose :
         {Purpose::initialisation, Purpose::shuffle, Purpose::augmentation, Purpose::drop_path}) {
      streams.insert(at(seed, purpose, {}));
      streams.insert(at(seed, purpose, {0}));
      streams.insert(at(seed, purpose, {0, 0}));
      streams.insert(at(seed, purpose, {0, 1}));
      streams.insert(at(seed, purpose, {1, 0}));
      num_addresses += 5;
    }
  }
  EXPECT_EQ(streams.size(), num_addresses);
}

TEST(Random, UniformIsAMultipleOf2ToMinus24BelowOne) {
  Generator generator(5, 6);
  const std::vector<std::uint32_t> words = take(generator, 1000);
  for (const std::uint32_t word : words) EXPECT_EQ(generator.uniform(), std::ldexp(static_cast<float>(word >> 8), -24));
}

TEST(Random, BelowStaysBelowItsBound) {
  Generator generator(1, 2);
  for (const std::uint32_t bound : {1U, 2U, 3U, 1000U, 0x80000001U, 0xffffffffU}) {
    for (int i = 0; i < 1000; ++i) EXPECT_LT(generator.below(bound), bound);
  }
}

/// Returns Pearson's statistic of `counts` against equal expectations.
double chi_square(const std::vector<int>& counts, int total) {
  const double expected = static_cast<double>(total) / static_cast<double>(counts.size());
  double statistic = 0;
  for (const int count : counts) statistic += (count - expected) * (count - expected) / expected;
  return statistic;
}

TEST(Random, BelowIsUniform) {
  constexpr int kDraws = 100000;
  std::vector<int> counts(10);
  Generator generator(3, 4);
  for (int i = 0; i < kDraws; ++i) ++counts[generator.below(10)];
  EXPECT_LT(chi_square(counts, kDraws), 27.88);  // 9 degrees of freedom, p = 0.001
}

// With a bound of 3 * 2^30, multiply-shift alone gives every third result twice as often.
TEST(Random, BelowHasNoBiasWhereTheBoundDoesNotDivide) {
  constexpr int kDraws = 30000;
  std::vector<int> counts(3);
  Generator generator(7, 8);
  for (int i = 0; i < kDraws; ++i) ++counts[generator.below(3U << 30) % 3];
  EXPECT_LT(chi_square(counts, kDraws), 13.82);  // 2 degrees of freedom, p = 0.001
}

TEST(Random, NormalHasTheMomentsOfTheNormalDistribution) {
  constexpr int kDraws = 200000;
  Generator generator(9, 10);
  std::array<double, 5> moments{};
  for (int i = 0; i < kDraws; ++i) {
    const double x = generator.normal();
    for (int power = 1; power <= 4; ++power) moments[power] += std::pow(x, power) / kDraws;
  }
  // Five standard errors: the variances of x, x^2, x^3 and x^4 are 1, 2, 15 and 96.
  EXPECT_NEAR(moments[1], 0, 5 * std::sqrt(1.0 / kDraws));
  EXPECT_NEAR(moments[2], 1, 5 * std::sqrt(2.0 / kDraws));
  EXPECT_NEAR(moments[3], 0, 5 * std::sqrt(15.0 / kDraws));
  EXPECT_NEAR(moments[4], 3, 5 * std::sqrt(96.0 / kDraws));
}

TEST(Random, PermutationHoldsEveryNumberOnce) {
  for (const std::uint32_t size : {0U, 1U, 2U, 7U, 1000U}) {
    std::vector<std::uint32_t> permutation = make_permutation(size, Generator(11, size));
    std::ranges::sort(permutation);
    std::vector<std::uint32_t> expected(size);
    for (std::uint32_t i = 0; i < size; ++i) expected[i] = i;
    EXPECT_EQ(permutation, expected);
  }
}

TEST(Random, PermutationsAreUniform) {
  constexpr int kDraws = 24000;
  std::vector<int> counts(256);  // by the permutation's digits in base 4
  for (int i = 0; i < kDraws; ++i) {
    const std::vector<std::uint32_t> p = make_permutation(4, Generator(12, i));
    ++counts[(64 * p[0]) + (16 * p[1]) + (4 * p[2]) + p[3]];
  }
  std::erase(counts, 0);
  ASSERT_EQ(counts.size(), 24);
  EXPECT_LT(chi_square(counts, kDraws), 49.73);  // 23 degrees of freedom, p = 0.001
}

}  // namespace
}  // namespace incubate
