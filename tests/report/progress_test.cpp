#include "report/progress.h"

#include <cmath>
#include <memory>

#include <gtest/gtest.h>

namespace incubate {
namespace {

TrainingStatus status(const std::string& training, std::int64_t step) {
  return {.training = training,
          .epoch = static_cast<double>(step) / 8,
          .num_epochs = 12.5,
          .step = step,
          .total_steps = 100,
          .loss = 1.23456,
          .images_per_s = 987.6,
          .left_s = 3723};
}

const std::string kLine25 =
    "stage_0     [#####...............]  25%  epoch 3.12/12.50  step 25/100  loss 1.2346  988 images/s  1:02:03 left\n";
const std::string kLine100 =
    "stage_0     [####################] 100%  epoch 12.50/12.50  step 100/100  loss 1.2346  988 images/s  1:02:03 "
    "left\n";

TEST(Progress, TellsWhenTrainingWaitsForData) {
  TrainingStatus waiting = status("stage_0", 25);
  waiting.data_wait = 0.346;
  EXPECT_NE(format_status(waiting).find("  988 images/s (35% waiting for data)  1:02:03 left"), std::string::npos);
  waiting.data_wait = 0.05;
  EXPECT_EQ(format_status(waiting) + "\n", kLine25);
}

TEST(Progress, TellsWhenRanksWaitForEachOther) {
  TrainingStatus waiting = status("stage_0", 25);
  waiting.communication_wait = 0.154;
  EXPECT_NE(format_status(waiting).find("  988 images/s (15% waiting for other ranks)  1:02:03 left"),
            std::string::npos);
  waiting.data_wait = 0.346;
  EXPECT_NE(format_status(waiting).find("  988 images/s (35% waiting for data, 15% for other ranks)  1:02:03 left"),
            std::string::npos);
  waiting.communication_wait = 1.2;  // the mean over ranks is compared with one rank's time
  EXPECT_NE(format_status(waiting).find(", 100% for other ranks)"), std::string::npos);
  for (const double unimportant : {0.05, std::nan("")}) {
    waiting.communication_wait = waiting.data_wait = unimportant;
    EXPECT_EQ(format_status(waiting) + "\n", kLine25);
  }
}

/// A stream whose text can be read back.
class Stream {
 public:
  std::FILE* get() { return file_.get(); }
  std::string text() {
    std::string text(std::ftell(file_.get()), '\0');
    std::rewind(file_.get());
    EXPECT_EQ(std::fread(text.data(), 1, text.size(), file_.get()), text.size());
    return text;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{std::tmpfile(), std::fclose};
};

TEST(Progress, DurationsHaveMinutesAndSecondsAndHoursWhereThereAreAny) {
  EXPECT_EQ(format_duration(0), "0:00");
  EXPECT_EQ(format_duration(59.4), "0:59");
  EXPECT_EQ(format_duration(59.6), "1:00");
  EXPECT_EQ(format_duration(123), "2:03");
  EXPECT_EQ(format_duration(3599.4), "59:59");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_duration(360000), "100:00:00");
  EXPECT_EQ(format_duration(-1), "0:00");
  EXPECT_EQ(format_duration(std::nan("")), "-");
  EXPECT_EQ(format_duration(HUGE_VAL), "-");
}

TEST(Progress, StatusIsOneLine) {
  EXPECT_EQ(format_status(status("stage_0", 25)) + "\n", kLine25);
  EXPECT_EQ(format_status(status("stage_0", 100)) + "\n", kLine100);
}

TEST(Progress, StatusOfATrainingWithoutStepsHasNoDivisionByZero) {
  TrainingStatus none = status("meta", 0);
  none.total_steps = 0;
  EXPECT_TRUE(format_status(none).starts_with("meta        [....................]   0%  epoch 0.00/"));
}

TEST(Progress, LinesShowTheFirstAndTheLastStatusAndNotEachBetween) {
  Stream stream;
  Progress progress(Progress::Style::lines, stream.get());
  progress.update(status("stage_0", 25));
  progress.update(status("stage_0", 26));
  progress.print("a message");
  progress.update(status("stage_0", 100));
  EXPECT_EQ(stream.text(), kLine25 + "a message\n" + kLine100);
}

TEST(Progress, EachTrainingHasItsOwnLines) {
  Stream stream;
  Progress progress(Progress::Style::lines, stream.get());
  progress.update(status("stage_0", 25));
  progress.update(status("stage_1", 25));
  EXPECT_EQ(stream.text(), kLine25 + format_status(status("stage_1", 25)) + "\n");
}

TEST(Progress, AfterFinishLinesBeginAnew) {
  Stream stream;
  Progress progress(Progress::Style::lines, stream.get());
  progress.update(status("stage_0", 25));
  progress.finish();
  progress.update(status("stage_0", 25));
  EXPECT_EQ(stream.text(), kLine25 + kLine25);
}

TEST(Progress, BarsAreRedrawnInPlaceBelowMessages) {
  Stream stream;
  {
    Progress progress(Progress::Style::bar, stream.get());
    progress.update(status("stage_0", 25));
    progress.update(status("stage_1", 25));
    progress.print("a message");
  }
  const std::string other = format_status(status("stage_1", 25)) + "\n";
  EXPECT_EQ(stream.text(), kLine25                                             // one training
                               + "\033[1A\033[J" + kLine25 + other             // two
                               + "\033[2A\033[Ja message\n" + kLine25 + other  // the message above them
                               + "\033[2A\033[J" + kLine25 + other);           // the end
}

TEST(Progress, NoneShowsMessagesOnly) {
  Stream stream;
  Progress progress(Progress::Style::none, stream.get());
  progress.update(status("stage_0", 100));
  progress.print("a message");
  EXPECT_EQ(stream.text(), "a message\n");
}

}  // namespace
}  // namespace incubate
