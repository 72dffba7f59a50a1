#pragma once

#include <cmath>
#include <cstdio>  // jpeglib.h needs it
#include <cstdlib>
#include <vector>

#include <jpeglib.h>

#include "vision/image.h"

namespace incubate {

/// Returns an image of smooth colours with some texture.
inline Image make_photo(std::int64_t height, std::int64_t width, std::int64_t channels = 3) {
  Image image(height, width, channels);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const double wave = std::sin(0.05 * static_cast<double>(x * (c + 1))) + std::cos(0.07 * static_cast<double>(y));
        image.at(y, x)[c] = static_cast<std::uint8_t>(128 + (40 * wave) + static_cast<double>((x * y) % 23));
      }
    }
  }
  return image;
}

/// Options of JPEG files that encode_jpeg() does not have.
struct JpegKind {
  int horizontal = 2, vertical = 2;  ///< pixels per colour value
  bool is_progressive = false;
  bool has_many_scans = false;  ///< progressive with two scans per coefficient (grey only)
  int num_scans = 0;            ///< only the first scans of a progressive file; 0: all
  int restart_interval = 0;     ///< blocks between restart markers; 0: none
  int quality = 90;
};

/// Returns `image` as a JPEG file; 4 channels are written as CMYK.
inline std::vector<std::uint8_t> make_jpeg(const Image& image, const JpegKind& kind) {
  jpeg_error_mgr errors;
  jpeg_compress_struct jpeg = {};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &buffer, &size);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.input_components = static_cast<int>(image.channels);
  jpeg.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : image.channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, kind.quality, TRUE);
  if (image.channels == 3) {
    jpeg.comp_info[0].h_samp_factor = kind.horizontal;
    jpeg.comp_info[0].v_samp_factor = kind.vertical;
  }
  jpeg.restart_interval = static_cast<unsigned>(kind.restart_interval);
  if (kind.is_progressive) jpeg_simple_progression(&jpeg);
  std::vector<jpeg_scan_info> scans = {{.comps_in_scan = 1, .component_index = {}, .Ss = 0, .Se = 0, .Ah = 0, .Al = 0}};
  for (const int low_bits : {1, 0}) {
    for (int i = 1; i < DCTSIZE2; ++i) scans.push_back({1, {}, i, i, low_bits == 0 ? 1 : 0, low_bits});
  }
  if (kind.has_many_scans) {
    jpeg.scan_info = scans.data();
    jpeg.num_scans = static_cast<int>(scans.size());
  }
  if (kind.num_scans > 0) jpeg.num_scans = kind.num_scans;
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    auto* row = const_cast<unsigned char*>(image.at(jpeg.next_scanline, 0));
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  std::vector<std::uint8_t> file(buffer, buffer + size);
  jpeg_destroy_compress(&jpeg);
  std::free(buffer);
  return file;
}

}  // namespace incubate
