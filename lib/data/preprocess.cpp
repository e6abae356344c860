#include "data/preprocess.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace qtool {
namespace {

std::string to_text(Size size) { return std::to_string(size.height) + "x" + std::to_string(size.width); }

Size size_of(const Image& image) { return {image.height, image.width}; }

Image in_color(Image image, Color color) { return color == Color::gray ? to_gray(std::move(image)) : to_rgb(std::move(image)); }

/// The shorter side becomes `side`; equal sides stay equal.
Size fit_short_side(const Image& image, int side) {
  const int64_t height = image.height, width = image.width, most = int64_t{kLongestSide} + 1;  // refused by make_image
  if (height <= width) return {side, static_cast<int>(std::min(side * width / height, most))};
  return {static_cast<int>(std::min(side * height / width, most)), side};
}

Image resized(Image image, const Preprocess& steps) {
  if (!steps.resize && !steps.short_side) return image;
  const Size size = steps.resize ? *steps.resize : fit_short_side(image, *steps.short_side);
  return resize(image, size.width, size.height, steps.interpolation);
}

/// rest / 2, ties to even: torchvision's CenterCrop.
int middle(int rest) { return rest / 2 + (rest % 4 == 3 ? 1 : 0); }

Image cropped(Image image, const std::optional<Size>& crop) {
  if (!crop || *crop == size_of(image)) return image;
  if (crop->height > image.height || crop->width > image.width)
    throw invalid_file("crop: expected a picture of at least " + to_text(*crop) + ", found " + to_text(size_of(image)));
  Image out = make_image(crop->width, crop->height, image.channels);
  const size_t left = static_cast<size_t>(middle(image.width - crop->width)) * static_cast<size_t>(image.channels);
  const int top = middle(image.height - crop->height);
  for (int y = 0; y < out.height; ++y)
    std::copy_n(image.pixels.data() + static_cast<size_t>(top + y) * image.row_bytes() + left, out.row_bytes(),
                out.pixels.data() + static_cast<size_t>(y) * out.row_bytes());
  return out;
}

template <class T>
T stored(float value) {
  if constexpr (std::is_same_v<T, Float16>) {
    return to_float16(value);
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return to_bfloat16(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    const double lowest = static_cast<double>(std::numeric_limits<T>::lowest()),
                 highest = static_cast<double>(std::numeric_limits<T>::max());
    if (std::trunc(value) != value || value < lowest || value > highest)
      throw invalid_file("the input holds integers, but scale, mean and std make " + std::to_string(value) + " of a pixel");
    return static_cast<T>(value);
  }
}

/// (pixel * scale - mean) / std for one channel.
struct Affine {
  float scale, mean, std;
  float operator()(float pixel) const { return (pixel * scale - mean) / std; }
};

Affine affine_of(const Preprocess& steps, size_t channel) {
  const auto pick = [channel](const std::vector<float>& values, float none) {
    return values.empty() ? none : values[values.size() == 1 ? 0 : channel];
  };
  return {steps.scale, pick(steps.mean, 0), pick(steps.std, 1)};
}

/// Values of the 256 pixels, so that each is computed once.
template <class T>
std::array<T, 256> table_of(const Affine& affine) {
  std::array<T, 256> table;
  for (size_t pixel = 0; pixel < 256; ++pixel) table[pixel] = stored<T>(affine(static_cast<float>(pixel)));
  return table;
}

/// Where the picture lies in the padded one.
struct Frame {
  Size size;
  int top = 0, left = 0;
};

Frame frame_of(const Image& image, const std::optional<Size>& pad) {
  if (!pad) return {size_of(image), 0, 0};
  if (pad->height < image.height || pad->width < image.width)
    throw invalid_file("pad: expected a picture of at most " + to_text(*pad) + ", found " + to_text(size_of(image)));
  return {*pad, (pad->height - image.height) / 2, (pad->width - image.width) / 2};
}

/// Elements between neighbouring channels, rows and pixels of the tensor.
struct Strides {
  size_t channel, row, pixel;
};

template <class T>
void write_channel(const Image& image, size_t channel, const std::array<T, 256>& table, T* out, const Strides& strides) {
  const auto channels = static_cast<size_t>(image.channels);
  const uint8_t* in = image.pixels.data() + channel;
  for (size_t y = 0; y < static_cast<size_t>(image.height); ++y, out += strides.row)
    for (size_t x = 0; x < static_cast<size_t>(image.width); ++x, in += channels) out[x * strides.pixel] = table[*in];
}

template <class T>
void fill_channel(T value, T* out, Size size, const Strides& strides) {
  for (size_t y = 0; y < static_cast<size_t>(size.height); ++y, out += strides.row)
    for (size_t x = 0; x < static_cast<size_t>(size.width); ++x) out[x * strides.pixel] = value;
}

template <class T>
void normalize(const Preprocess& steps, const Image& image, const Frame& frame, Tensor& out) {
  const auto channels = static_cast<size_t>(image.channels), width = static_cast<size_t>(frame.size.width);
  const auto height = static_cast<size_t>(frame.size.height);
  const Strides strides = steps.layout == ImageLayout::nchw ? Strides{height * width, width, 1} : Strides{1, width * channels, channels};
  auto* data = reinterpret_cast<T*>(out.mutable_bytes());
  for (size_t c = 0; c < channels; ++c) {
    const Affine affine = affine_of(steps, c);
    T* to = data + c * strides.channel;
    if (steps.pad) fill_channel(stored<T>(affine(steps.pad_value)), to, frame.size, strides);
    const size_t from = steps.color == Color::bgr ? channels - 1 - c : c;
    write_channel(image, from, table_of<T>(affine),
                  to + static_cast<size_t>(frame.top) * strides.row + static_cast<size_t>(frame.left) * strides.pixel, strides);
  }
}

Shape shape_of(Size size, int channels, ImageLayout layout) {
  if (layout == ImageLayout::nchw) return {channels, size.height, size.width};
  return {size.height, size.width, channels};
}

}  // namespace

Tensor preprocess(const Preprocess& steps, Image image, DType dtype) {
  image = cropped(resized(in_color(std::move(image), steps.color), steps), steps.crop);
  const Frame frame = frame_of(image, steps.pad);
  if (bit_width(dtype) < 8 || (!is_floating(dtype) && !is_integer(dtype)))
    throw invalid_file("a picture cannot be a tensor of type " + std::string(name_of(dtype)));
  Tensor out(dtype, shape_of(frame.size, image.channels, steps.layout));
  dispatch(dtype, [&](auto kind) {
    using T = decltype(kind);
    if constexpr (!std::is_same_v<T, bool>) normalize<T>(steps, image, frame, out);
  });
  return out;
}

}  // namespace qtool
