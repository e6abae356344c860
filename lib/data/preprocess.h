#pragma once
// preprocess.json: how a picture becomes an input tensor. docs: SPEC "Samples".
//
//   {"color": "rgb", "short_side": 256, "interpolation": "bilinear", "crop": [224, 224], "scale": 0.00392156862745098,
//    "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "layout": "NCHW"}

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/image.h"
#include "data/resample.h"
#include "tensor/tensor.h"

namespace qtool {

enum class Color { gray, rgb, bgr };
enum class ImageLayout { nchw, nhwc };

struct Size {
  int height = 0, width = 0;
  bool operator==(const Size&) const = default;
};

/// In this order: color; resize or short_side; crop; pad; x = (pixel * scale - mean) / std; layout.
struct Preprocess {
  Color color = Color::rgb;
  std::optional<Size> resize;     ///< to exactly this size
  std::optional<int> short_side;  ///< the shorter side to this, the longer one in proportion, rounded down
  Interpolation interpolation = Interpolation::bilinear;
  std::optional<Size> crop;  ///< the middle, its offset rounded half to even; the image must be at least as large
  std::optional<Size> pad;   ///< to this size around the middle, odd rest right and below; the image must be at most as large
  float pad_value = 0;       ///< a pixel value
  float scale = 1;
  std::vector<float> mean, std;  ///< one or one a channel, in the order of `color`; empty: 0 and 1
  ImageLayout layout = ImageLayout::nchw;
};

/// Throws Error(invalid_file) with one line a mistake, each `NAME: /pointer: ...`: unknown keys with the nearest known one, wrong types,
/// values out of range, resize beside short_side, mean or std of the wrong length.
Preprocess parse_preprocess(std::string_view json, const std::string& name);
Preprocess load_preprocess(const std::string& path);

/// [c, h, w] (NCHW) or [h, w, c] (NHWC) of type `dtype`. Computed in float32 in the order of the formula, as numpy does. For an integer
/// type every value must be one: Error(invalid_file) otherwise.
Tensor preprocess(const Preprocess& steps, Image image, DType dtype);

}  // namespace qtool
