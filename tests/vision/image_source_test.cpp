#include "vision/image_source.h"

#include <array>

#include <gtest/gtest.h>

#include "support/jpeg_file.h"
#include "support/jpeg_source.h"
#include "vision/crops.h"
#include "vision/jpeg.h"
#include "vision/resize.h"

namespace incubate {
namespace {

TEST(ImageSource, AnArrayGivesTheBoxWhateverTheLeastSize) {
  const Image image = make_photo(12, 17);
  const ArraySource source(image);
  EXPECT_EQ(source.whole(), image.whole());
  EXPECT_EQ(source.image(), image);
  EXPECT_EQ(source.part({3, 4, 5, 6}, 1, 1), crop(image, {3, 4, 5, 6}));
}

TEST(ImageSource, AJpegFileGivesWhatItDecodesTo) {
  const std::vector<std::uint8_t> file = encode_jpeg(make_photo(50, 70), 90);
  const JpegSource source(file);
  EXPECT_EQ(source.whole(), (Box{0, 0, 50, 70}));
  EXPECT_EQ(source.channels(), 3);
  EXPECT_EQ(source.image(), decode_jpeg(file));
  EXPECT_EQ(source.part({3, 4, 25, 36}, 25, 1), crop(decode_jpeg(file), {3, 4, 25, 36}));
  EXPECT_EQ(source.part({0, 0, 48, 64}, 12, 16).whole(), (Box{0, 0, 12, 16}));
}

TEST(ImageSource, EvaluationDecodesAtFullScaleWhatItNeeds) {
  const std::vector<std::uint8_t> file = encode_jpeg(make_photo(190, 260), 90);
  const Image image = decode_jpeg(file);
  const EvaluationCrop cut = {.side = 32, .fraction = 0.8};
  EXPECT_EQ(crop_for_evaluation(JpegSource(file), cut), crop_for_evaluation(ArraySource(image), cut));
}

TEST(ImageSource, AMirroredCropIsTheCropMirrored) {
  const Image image = make_photo(60, 45);
  const ArraySource source(image);
  for (const Box& box : {Box{0, 0, 60, 45}, Box{7, 3, 20, 41}, Box{10, 10, 3, 2}}) {
    EXPECT_EQ(resized_crop(source, box, 24, true), mirror(resized_crop(source, box, 24, false)));
  }
}

TEST(ImageSource, AWindowOfAResizedImageIsThatOfTheWhole) {
  const Image image = make_photo(61, 40);
  const Box window = {5, 9, 20, 13};
  for (const auto& [height, width] : {std::array{30, 80}, std::array{100, 25}, std::array{61, 40}}) {
    const Image whole = resize_bicubic(image, image.whole(), height, width);
    EXPECT_EQ(resize_bicubic(ArraySource(image), {.height = height, .width = width, .window = window}),
              crop(whole, window));
  }
}

}  // namespace
}  // namespace incubate
