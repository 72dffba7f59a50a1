#include "vision/image_error.h"

#include <new>

#include <gtest/gtest.h>

#include "support/thrown_message.h"

namespace incubate {
namespace {

// libjpeg and libpng report it so. An image that counts as damaged would be replaced by the next one.
TEST(ImageError, ADecoderWithoutMemorySaysNothingOfTheImage) {
  EXPECT_THROW(throw_decoder_error("Insufficient memory (case 4)"), std::bad_alloc);
  EXPECT_THROW(throw_decoder_error("Out of memory"), std::bad_alloc);
  EXPECT_EQ(thrown_message<ImageError>([] { throw_decoder_error("Bogus Huffman table definition"); }),
            "Bogus Huffman table definition");
}

}  // namespace
}  // namespace incubate
