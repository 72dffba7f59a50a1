#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "base/clock.h"

namespace incubate {

/// The progress of a training.
struct TrainingStatus {
  std::string training;
  double epoch = 0;  ///< completed passes over the images
  double num_epochs = 0;
  std::int64_t step = 0;  ///< completed steps
  std::int64_t total_steps = 0;
  double loss = 0;
  double images_per_s = 0;
  double data_wait = 0;           ///< fraction of the time spent waiting for images
  double communication_wait = 0;  ///< fraction of the time spent summing gradients; NaN: unknown
  double left_s = 0;
};

/// Returns one line: name, bar, percentage, epoch, step, loss, images/s, time left.
std::string format_status(const TrainingStatus& status);
/// Returns a bar, such as "#####..............." for 0.25.
std::string draw_bar(double fraction);
/// Returns a text such as "1:02:03" or "2:03" (minutes and seconds); "-" if `seconds` is not finite.
std::string format_duration(double seconds);

/// Shows progress to a person: one line a training. On a terminal it redraws all groups' lines in place, elsewhere it
/// prints plain lines every ten seconds. REQUIRES: only rank 0 has one.
class Progress {
 public:
  enum class Style { bar, lines, none };

  explicit Progress(Style style, std::FILE* stream = stdout) : style_(style), stream_(stream) {}
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(const TrainingStatus& status);
  /// Shows other work: `text` is its current line, or its last one with `is_last`.
  void update(const std::string& work, const std::string& text, bool is_last);
  /// Prints a line above the bars.
  void print(const std::string& line);
  /// Leaves the lines as they are; later lines appear below.
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

/// Returns bars if stdout is a terminal and no launcher started the process, else lines. Under mpirun stdout always
/// looks like a terminal, so launching scripts choose.
Progress::Style automatic_progress_style();

}  // namespace incubate
