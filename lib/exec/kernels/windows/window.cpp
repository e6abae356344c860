#include "exec/kernels/windows/window.h"

#include <algorithm>

namespace qtool::lowerings {
namespace {

/// SAME: the output has ceil(input / stride) elements; the odd element goes to the end (UPPER) or the begin.
void pad_same(Window& window, const Shape& input, bool upper) {
  for (size_t d = 0; d < window.kernel.size(); ++d) {
    const int64_t in = input[d + 2], stride = window.strides[d];
    const int64_t reach = (window.kernel[d] - 1) * window.dilations[d] + 1;
    const int64_t total = std::max<int64_t>(0, ((in + stride - 1) / stride - 1) * stride + reach - in);
    window.begin[d] = upper ? total / 2 : total - total / 2;
    window.end[d] = total - window.begin[d];
  }
}

}  // namespace

bool Window::padded() const {
  const auto zero = [](int64_t n) { return n == 0; };
  return !std::all_of(begin.begin(), begin.end(), zero) || !std::all_of(end.begin(), end.end(), zero);
}

Shape Window::dilations_from_zero() const {
  Shape gaps = dilations;
  for (int64_t& gap : gaps) --gap;
  return gaps;
}

Shape Window::output(const Shape& input, bool ceil) const {
  Shape out;
  for (size_t d = 0; d < kernel.size(); ++d) {
    const int64_t free = input[d + 2] + begin[d] + end[d] - ((kernel[d] - 1) * dilations[d] + 1);
    int64_t count = (free + (ceil ? strides[d] - 1 : 0)) / strides[d] + 1;
    if (ceil && (count - 1) * strides[d] >= input[d + 2] + begin[d]) --count;  // a window that starts in the padding behind
    out.push_back(free < 0 ? 0 : count);
  }
  return out;
}

Window window_of(const Node& node, const Shape& input, const Shape& kernel) {
  const size_t dims = kernel.size();
  const Shape ones(dims, 1);
  const Shape pads = node.attr_or("pads", Shape(2 * dims, 0));
  Window window{kernel, node.attr_or("strides", ones), node.attr_or("dilations", ones), {}, {}};
  if (pads.size() != 2 * dims || window.strides.size() != dims || window.dilations.size() != dims || input.size() != dims + 2)
    throw invalid_file("pads, strides or dilations do not fit the rank");
  window.begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(dims));
  window.end.assign(pads.begin() + static_cast<std::ptrdiff_t>(dims), pads.end());
  const std::string automatic = node.attr_or("auto_pad", "NOTSET");
  if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") pad_same(window, input, automatic == "SAME_UPPER");
  if (automatic == "VALID") window.begin = window.end = Shape(dims, 0);
  return window;
}

}  // namespace qtool::lowerings
