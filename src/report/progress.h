#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "base/stopwatch.h"

namespace incubate {

/// How far a training is.
struct TrainingStatus {
  std::string training;
  double epoch = 0;  ///< passes over the images done
  double num_epochs = 0;
  std::int64_t step = 0;  ///< steps done
  std::int64_t total_steps = 0;
  double loss = 0;
  double images_per_s = 0;
  double data_wait = 0;           ///< part of the time in which images were not there yet
  double communication_wait = 0;  ///< part of the time in which gradients were summed; NaN: not known
  double left_s = 0;
};

/// One line: name, bar, percentage, epoch, step, loss, images/s, time left.
std::string format_status(const TrainingStatus& status);
/// "#####..............." for a quarter.
std::string draw_bar(double fraction);
/// "1:02:03", "2:03" (minutes and seconds); "-" if it is not finite.
std::string format_duration(double seconds);

/// Shows progress to a person: a line a training, groups under each other and redrawn in place on a terminal, or plain
/// lines every ten seconds elsewhere. Rank 0's only.
class Progress {
 public:
  enum class Style { bar, lines, none };

  explicit Progress(Style style, std::FILE* stream = stdout) : style_(style), stream_(stream) {}
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(const TrainingStatus& status);
  /// The same of any work: `text` is its line now, the last one with `is_last`.
  void update(const std::string& work, const std::string& text, bool is_last);
  /// Prints a line above the bars.
  void print(const std::string& line);
  /// Leaves the lines as they are and begins anew below.
  void finish();

 private:
  struct Line {
    std::string text;
    Stopwatch since_shown;
    bool is_new = true;
  };

  void write(const std::string& text);
  void redraw();
  void erase();

  Style style_;
  std::FILE* stream_;
  std::map<std::string, Line> lines_;
  int num_drawn_ = 0;
  Stopwatch since_drawn_;
};

/// A bar if stdout is a terminal and no launcher stands between, else lines. (Under mpirun stdout looks like a terminal
/// even when it is not, so launching scripts choose.)
Progress::Style automatic_progress_style();

}  // namespace incubate
