// Relu family. Relu: max(0, x). LeakyRelu: alpha * x below 0. PRelu: slope * x below 0, the slope broadcast to x.
// ThresholdedRelu: x above alpha, else 0. Elu, Selu, Celu: exponential below 0. Shrink: see below.
#include <cmath>

#include "ops/helpers/elementwise.h"
#include "ops/helpers/infer.h"

namespace qtool {
namespace {

constexpr auto kMaxZero = [](auto x) { return x > 0 || x != x ? x : decltype(x){0}; };

void leaky_relu(const Node& node, TensorsIn in, TensorsOut out) {
  out[0] = map_real(input(in, 0), [a = node.attr_or("alpha", 0.01f)](double x) { return x < 0 ? a * x : x; });
}

void thresholded_relu(const Node& node, TensorsIn in, TensorsOut out) {
  out[0] = map_real(input(in, 0), [a = node.attr_or("alpha", 1.0f)](double x) { return x > a ? x : 0; });
}

void elu(const Node& node, TensorsIn in, TensorsOut out) {
  out[0] = map_real(input(in, 0), [a = node.attr_or("alpha", 1.0f)](double x) { return x < 0 ? a * std::expm1(x) : x; });
}

void celu(const Node& node, TensorsIn in, TensorsOut out) {
  const double a = node.attr_or("alpha", 1.0f);
  out[0] = map_real(input(in, 0), [a](double x) { return x < 0 ? a * std::expm1(x / a) : x; });
}

void selu(const Node& node, TensorsIn in, TensorsOut out) {
  const double alpha = node.attr_or("alpha", 1.67326319217681884765625f), gamma = node.attr_or("gamma", 1.05070102214813232421875f);
  out[0] = map_real(input(in, 0), [=](double x) { return gamma * (x > 0 ? x : alpha * std::expm1(x)); });
}

/// x + bias below -lambd, x - bias above lambd, else 0.
void shrink(const Node& node, TensorsIn in, TensorsOut out) {
  const double lambd = node.attr_or("lambd", 0.5f), bias = node.attr_or("bias", 0.0f);
  out[0] = map_number(input(in, 0), [=](auto value) {
    const auto x = static_cast<double>(value);
    return static_cast<decltype(value)>(x < -lambd ? x + bias : x > lambd ? x - bias : 0);
  });
}

void prelu(const Node&, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &slope = input(in, 1);
  broadcast_strides(slope.shape(), x.shape());
  out[0] = zip_number(x, slope, [](auto v, auto s) { return v < 0 ? v * s : v; });
}

}  // namespace

extern const OpDef kRelu1{.name = "Relu", .infer = infer_same, .eval = eval_number<kMaxZero>, .quant = lut()};
extern const OpDef kLeakyRelu1{.name = "LeakyRelu", .infer = infer_same, .eval = leaky_relu, .quant = lut()};
extern const OpDef kThresholdedRelu10{
    .name = "ThresholdedRelu", .since = 10, .infer = infer_same, .eval = thresholded_relu, .quant = lut()};
extern const OpDef kElu1{.name = "Elu", .infer = infer_same, .eval = elu, .quant = lut()};
extern const OpDef kCelu12{.name = "Celu", .since = 12, .infer = infer_same, .eval = celu, .quant = lut()};
extern const OpDef kSelu1{.name = "Selu", .infer = infer_same, .eval = selu, .quant = lut()};
extern const OpDef kShrink9{.name = "Shrink", .since = 9, .infer = infer_same, .eval = shrink, .quant = lut()};
extern const OpDef kPRelu7{.name = "PRelu", .since = 7, .infer = infer_same, .eval = prelu};

}  // namespace qtool
