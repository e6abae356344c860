#include "ops/helpers/window.h"

#include <algorithm>

#include "ops/helpers/infer.h"

namespace qtool {
namespace {

struct Moves {
  std::vector<int64_t> strides, dilations, pads;
  std::string auto_pad;
  bool ceil_mode;
};

std::vector<int64_t> list(const Node& node, const char* name, size_t count, int64_t fallback, int64_t least) {
  std::vector<int64_t> values = node.attr_or(name, std::vector<int64_t>{});
  if (values.empty()) values.assign(count, fallback);
  if (values.size() != count)
    throw invalid_file(std::string(name) + " has " + std::to_string(values.size()) + " entries, expected " + std::to_string(count));
  for (const int64_t value : values)
    if (value < least || value > (int64_t{1} << 40)) throw invalid_file(std::string(name) + " holds " + std::to_string(value));
  return values;
}

Moves moves_of(const Node& node, size_t rank) {
  return {list(node, "strides", rank, 1, 1), list(node, "dilations", rank, 1, 1), list(node, "pads", 2 * rank, 0, 0),
          node.attr_or("auto_pad", "NOTSET"), node.attr_or("ceil_mode", 0) != 0};
}

void place_same(Window& w, bool upper) {
  w.out = (w.in + w.stride - 1) / w.stride;
  const int64_t total = std::max<int64_t>(0, (w.out - 1) * w.stride + (w.kernel - 1) * w.dilation + 1 - w.in);
  w.pad_begin = upper ? total / 2 : total - total / 2;
  w.pad_end = total - w.pad_begin;
}

void place_padded(Window& w, bool ceil_mode) {
  const int64_t room = w.in + w.pad_begin + w.pad_end - (w.kernel - 1) * w.dilation - 1;
  if (room < 0) throw invalid_file("a window of " + std::to_string(w.kernel) + " does not fit into " + std::to_string(w.in));
  w.out = (room + (ceil_mode ? w.stride - 1 : 0)) / w.stride + 1;
  if (ceil_mode && (w.out - 1) * w.stride >= w.in + w.pad_begin) --w.out;  // a window may not start in the padding behind
}

Window window_of(const Moves& moves, size_t d, size_t rank, int64_t in, int64_t kernel) {
  Window w{in, 0, kernel, moves.strides[d], moves.dilations[d], moves.pads[d], moves.pads[rank + d]};
  if (moves.auto_pad == "SAME_UPPER" || moves.auto_pad == "SAME_LOWER") {
    place_same(w, moves.auto_pad == "SAME_UPPER");
    return w;
  }
  if (moves.auto_pad == "VALID")
    w.pad_begin = w.pad_end = 0;
  else if (moves.auto_pad != "NOTSET" && !moves.auto_pad.empty())
    throw invalid_file("auto_pad \"" + moves.auto_pad + "\" is unknown");
  place_padded(w, moves.ceil_mode);
  return w;
}

}  // namespace

std::vector<Window> windows(const Node& node, const Shape& spatial, const Shape& kernel) {
  if (kernel.size() != spatial.size()) throw invalid_file("kernel and input differ in rank");
  const Moves moves = moves_of(node, spatial.size());
  std::vector<Window> all;
  for (size_t d = 0; d < spatial.size(); ++d) all.push_back(window_of(moves, d, spatial.size(), spatial[d], kernel[d]));
  return all;
}

Shape kernel_of(const Node& node, const Shape& weight) {
  const Shape from_weight(weight.begin() + std::min<std::ptrdiff_t>(2, std::ssize(weight)), weight.end());
  const Shape kernel = node.attr_or("kernel_shape", from_weight);
  for (const int64_t size : kernel)
    if (size < 1 || size > (int64_t{1} << 30)) throw invalid_file("kernel_shape " + to_string(kernel));
  return kernel;
}

Shape output_of(const std::vector<Window>& windows) {
  Shape out;
  for (const Window& w : windows) out.push_back(w.out);
  return out;
}

std::vector<Dim> infer_windows(const Node& node, const std::vector<Dim>& spatial, const Shape& kernel) {
  if (kernel.size() != spatial.size()) throw invalid_file("kernel and input differ in rank");
  const Moves moves = moves_of(node, spatial.size());
  std::vector<Dim> out(spatial.size());
  for (size_t d = 0; d < spatial.size(); ++d)
    if (spatial[d].known()) out[d] = known(window_of(moves, d, spatial.size(), spatial[d].value, kernel[d]).out);
  return out;
}

}  // namespace qtool
