#include "kernels/mathematics.inl"
#include "kernels/registry.h"

namespace qtool::kernels {
namespace {

constexpr size_t kLanes = 16;

float largest(const SoftmaxArgs& args) {
  float lanes[kLanes];
  for (float& lane : lanes) lane = args.in[0];
  size_t i = 0;
  for (; i + kLanes <= args.n; i += kLanes)
    for (size_t l = 0; l < kLanes; ++l) lanes[l] = greater(lanes[l], args.in[i + l]);
  for (; i < args.n; ++i) lanes[0] = greater(lanes[0], args.in[i]);
  float top = lanes[0];
  for (const float lane : lanes) top = greater(top, lane);
  return top;
}

float exponentials(const SoftmaxArgs& args, float top) {
  float lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= args.n; i += kLanes) {
    float block[kLanes];
    for (size_t l = 0; l < kLanes; ++l) block[l] = exp_of(args.in[i + l] - top);
    for (size_t l = 0; l < kLanes; ++l) args.out[i + l] = block[l];
    for (size_t l = 0; l < kLanes; ++l) lanes[l] += block[l];
  }
  for (; i < args.n; ++i) lanes[0] += args.out[i] = exp_of(args.in[i] - top);
  float total = 0;
  for (const float lane : lanes) total += lane;
  return total;
}

void softmax_any(const SoftmaxArgs& args) {
  const float total = exponentials(args, largest(args));
  for (size_t i = 0; i < args.n; ++i) args.out[i] = args.out[i] / total;
}

}  // namespace
}  // namespace qtool::kernels
