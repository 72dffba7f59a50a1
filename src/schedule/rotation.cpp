#include "schedule/rotation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "schedule/makespan_bound.h"

namespace incubate {
namespace {

// The simplex method stops when no deal can shorten the time by more than this fraction.
constexpr double kTolerance = 1e-4;

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;  // a vector of columns

/// Solves a x = b by Gaussian elimination with pivoting. REQUIRES: `columns` is square and regular.
Vector solve(const Matrix& columns, Vector b) {
  const std::size_t size = b.size();
  Matrix rows(size, Vector(size));
  for (std::size_t r = 0; r < size; ++r) {
    for (std::size_t c = 0; c < size; ++c) rows[r][c] = columns[c][r];
  }
  for (std::size_t i = 0; i < size; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i + 1; r < size; ++r) {
      if (std::fabs(rows[r][i]) > std::fabs(rows[pivot][i])) pivot = r;
    }
    std::swap(rows[i], rows[pivot]);
    std::swap(b[i], b[pivot]);
    for (std::size_t r = i + 1; r < size; ++r) {
      const double factor = rows[r][i] / rows[i][i];
      if (factor == 0) continue;
      for (std::size_t c = i; c < size; ++c) rows[r][c] -= factor * rows[i][c];
      b[r] -= factor * b[i];
    }
  }
  for (std::size_t i = size; i-- > 0;) {
    for (std::size_t c = i + 1; c < size; ++c) b[i] -= rows[i][c] * b[c];
    b[i] /= rows[i][i];
  }
  return b;
}

Matrix transpose(const Matrix& matrix) {
  Matrix result(matrix.size(), Vector(matrix.size()));
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    for (std::size_t j = 0; j < matrix.size(); ++j) result[j][i] = matrix[i][j];
  }
  return result;
}

/// The linear program: minimise the summed durations of the deals so that every training gets its `serial_s`.
class ConfigurationProgram {
 public:
  ConfigurationProgram(const Vector& serial_s, std::int64_t micro_batches, std::int64_t num_ranks)
      : serial_s_(serial_s),
        micro_batches_(micro_batches),
        num_ranks_(std::min(num_ranks, micro_batches * static_cast<std::int64_t>(serial_s.size()))),
        sizes_(useful_group_sizes(micro_batches, num_ranks)) {
    set_first_basis();
  }

  std::vector<Deal> solve_to_optimum() {
    constexpr int kMaxIterations = 2000;
    for (int i = 0; i < kMaxIterations && improve(); ++i) continue;
    return deals();
  }

 private:
  using GroupSizes = std::vector<std::int64_t>;

  double speed(std::int64_t size) const {
    return size == 0 ? 0 : 1 / static_cast<double>(micro_batches_in_turn(micro_batches_, size));
  }

  std::size_t num_trainings() const { return serial_s_.size(); }

  /// Column k trains the trainings from k on: one rank each, and k has the rest. Ascending work makes it feasible.
  void set_first_basis() {
    const auto count = static_cast<std::int64_t>(num_trainings());
    for (std::int64_t k = 0; k < count; ++k) {
      GroupSizes sizes(count, 0);
      std::fill(sizes.begin() + k, sizes.end(), 1);
      const std::int64_t most = num_ranks_ - (count - k - 1);
      sizes[k] = *(std::ranges::upper_bound(sizes_, most) - 1);
      basis_.push_back(sizes);
      columns_.push_back(column_of(sizes));
    }
  }

  Vector column_of(const GroupSizes& sizes) const {
    Vector column;
    for (const std::int64_t size : sizes) column.push_back(speed(size));
    return column;
  }

  /// Makes one pivot of the simplex method. Returns false at the optimum.
  bool improve() {
    Vector costs;
    for (const GroupSizes& sizes : basis_) costs.push_back(sizes.empty() ? 0 : 1);
    const Vector prices = solve(transpose(columns_), costs);
    // A surplus (a training gets more than it needs) enters if its price is negative.
    const auto lowest = std::ranges::min_element(prices) - prices.begin();
    if (prices[lowest] < -1e-12) {
      Vector surplus(num_trainings(), 0);
      surplus[lowest] = -1;
      return enter({}, surplus);
    }
    const GroupSizes best = find_best_deal(prices);
    const Vector column = column_of(best);
    const double worth = std::inner_product(column.begin(), column.end(), prices.begin(), 0.0);
    return worth > 1 + kTolerance && enter(best, column);
  }

  /// Exchanges `column` for the column of the basis that reaches 0 first.
  bool enter(const GroupSizes& sizes, const Vector& column) {
    const Vector durations = solve(columns_, serial_s_);
    const Vector change = solve(columns_, column);
    std::size_t leaving = basis_.size();
    double least = 0;
    for (std::size_t i = 0; i < basis_.size(); ++i) {
      if (change[i] < 1e-12) continue;
      const double ratio = std::max(durations[i], 0.0) / change[i];
      if (leaving == basis_.size() || ratio < least) {
        leaving = i;
        least = ratio;
      }
    }
    if (leaving == basis_.size()) return false;
    basis_[leaving] = sizes;
    columns_[leaving] = column;
    return true;
  }

  /// Returns the deal worth most at `prices`, among deals that give each training from some k on at least one rank.
  GroupSizes find_best_deal(const Vector& prices) {
    const auto count = static_cast<std::int64_t>(num_trainings());
    std::vector<Vector> best(count + 1, Vector(num_ranks_ + 1, 0));
    std::vector<std::vector<std::int32_t>> choice(count, std::vector<std::int32_t>(num_ranks_ + 1, 0));
    for (std::int64_t k = count - 1; k >= 0; --k) {
      const std::int64_t after = count - 1 - k;  // ranks that the later trainings need at least
      std::fill(best[k].begin(), best[k].end(), -1);
      for (const std::int64_t size : sizes_) {
        const double value = prices[k] * speed(size);
        const double* rest = best[k + 1].data();
        double* here = best[k].data();
        std::int32_t* chosen = choice[k].data();
        for (std::int64_t ranks = size + after; ranks <= num_ranks_; ++ranks) {
          const double worth = value + rest[ranks - size];
          const bool is_better = worth > here[ranks];
          here[ranks] = is_better ? worth : here[ranks];
          chosen[ranks] = is_better ? static_cast<std::int32_t>(size) : chosen[ranks];
        }
      }
    }
    std::int64_t first = 0;
    for (std::int64_t k = 1; k < count; ++k) {
      if (best[k][num_ranks_] > best[first][num_ranks_]) first = k;
    }
    GroupSizes sizes(count, 0);
    std::int64_t ranks = num_ranks_;
    for (std::int64_t k = first; k < count; ++k) {
      sizes[k] = choice[k][ranks];
      ranks -= sizes[k];
    }
    return sizes;
  }

  /// Returns the basis in a feasible order: a finished training is absent from every later deal.
  std::vector<Deal> deals() const {
    const Vector durations = solve(columns_, serial_s_);
    std::vector<Deal> deals;
    for (std::size_t i = 0; i < basis_.size(); ++i) {
      if (!basis_[i].empty() && durations[i] > 0) deals.push_back({basis_[i], durations[i]});
    }
    const auto num_done = [](const Deal& deal) { return std::ranges::count(deal.group_sizes, 0); };
    std::ranges::stable_sort(deals, [&](const Deal& a, const Deal& b) {
      return num_done(a) != num_done(b) ? num_done(a) < num_done(b) : a.duration_s > b.duration_s;
    });
    return deals;
  }

  Vector serial_s_;
  std::int64_t micro_batches_;
  std::int64_t num_ranks_;
  std::vector<std::int64_t> sizes_;
  std::vector<GroupSizes> basis_;  // an empty entry is a surplus
  Matrix columns_;                 // the basis's columns
};

}  // namespace

std::vector<Deal> rotate_ranks(const std::vector<double>& serial_s, std::int64_t micro_batches,
                               std::int64_t num_ranks) {
  return ConfigurationProgram(serial_s, micro_batches, num_ranks).solve_to_optimum();
}

}  // namespace incubate
