#include "report/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace incubate {
namespace {

constexpr double kLineEvery_s = 10;
constexpr double kRedrawEvery_s = 0.2;
constexpr int kBarWidth = 20;
constexpr double kWorthTelling = 0.1;  // fraction of the time

/// Returns the waits above kWorthTelling, such as " (35% waiting for data, 12% for other ranks)".
std::string format_waits(const TrainingStatus& s) {
  std::string text;
  for (const auto& [part, what] : {std::pair(s.data_wait, "data"), std::pair(s.communication_wait, "other ranks")}) {
    if (!(part > kWorthTelling)) continue;
    text += fmt::format("{}{:.0f}% {}for {}", text.empty() ? " (" : ", ", 100 * std::min(1.0, part),
                        text.empty() ? "waiting " : "", what);
  }
  return text.empty() ? text : text + ")";
}

}  // namespace

std::string draw_bar(double fraction) {
  const int filled = static_cast<int>(std::lround(std::clamp(fraction, 0.0, 1.0) * kBarWidth));
  return std::string(filled, '#') + std::string(kBarWidth - filled, '.');
}

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds)) return "-";
  const auto total = static_cast<std::int64_t>(std::llround(std::clamp(seconds, 0.0, 1e15)));
  const std::int64_t hours = total / 3600;
  const std::int64_t minutes = total / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, total % 60);
  return fmt::format("{}:{:02}", minutes, total % 60);
}

std::string format_status(const TrainingStatus& s) {
  const double fraction = static_cast<double>(s.step) / static_cast<double>(std::max<std::int64_t>(1, s.total_steps));
  return fmt::format("{:<11} [{}] {:3.0f}%  epoch {:.2f}/{:.2f}  step {}/{}  loss {:.4f}  {:.0f} images/s{}  {} left",
                     s.training, draw_bar(fraction), 100 * fraction, s.epoch, s.num_epochs, s.step, s.total_steps,
                     s.loss, s.images_per_s, format_waits(s), format_duration(s.left_s));
}

void Progress::update(const TrainingStatus& status) {
  if (style_ == Style::none) return;
  update(status.training, format_status(status), status.step == status.total_steps);
}

void Progress::update(const std::string& work, const std::string& text, bool is_last) {
  if (style_ == Style::none) return;
  Line& line = lines_[work];
  line.text = text;
  if (style_ == Style::bar) {
    if (since_drawn_.elapsed_s() > kRedrawEvery_s || is_last || line.is_new) redraw();
    line.is_new = false;
  } else if (line.is_new || is_last || line.since_shown.elapsed_s() > kLineEvery_s) {
    write(text + "\n");
    std::fflush(stream_);
    line.since_shown.restart();
    line.is_new = false;
  }
}

void Progress::print(const std::string& text) {
  erase();
  write(text + "\n");
  if (style_ == Style::bar) redraw();
  std::fflush(stream_);
}

void Progress::finish() {
  if (style_ == Style::bar && !lines_.empty()) redraw();
  lines_.clear();
  num_drawn_ = 0;
}

// fmt::print would throw when the terminal is lost; training goes on instead.
void Progress::write(const std::string& text) { std::fputs(text.c_str(), stream_); }

void Progress::erase() {
  if (num_drawn_ > 0) write(fmt::format("\033[{}A\033[J", num_drawn_));
  num_drawn_ = 0;
}

void Progress::redraw() {
  erase();
  for (const auto& [name, line] : lines_) write(line.text + "\n");
  num_drawn_ = static_cast<int>(lines_.size());
  std::fflush(stream_);
  since_drawn_.restart();
}

Progress::Style automatic_progress_style() {
  const bool is_launched = std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr || std::getenv("PMIX_RANK") != nullptr;
  return isatty(STDOUT_FILENO) != 0 && !is_launched ? Progress::Style::bar : Progress::Style::lines;
}

}  // namespace incubate
