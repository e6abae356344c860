// Runs a model a third time between two marks, for tests/arm/test_models.py to count the instructions of one inference.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "exec/plan.h"
#include "onnxio/onnxio.h"
#include "ops/op_def.h"
#include "tensor/tensor.h"

namespace qtool {
namespace {

constexpr long kMark = 0x7154;  // a system call nobody has; see scripts/arm/insncount.c

/// "1x3x224x224"
Shape shape_of(const char* text) {
  Shape shape;
  std::istringstream in(text);
  for (std::string dim; std::getline(in, dim, 'x');) shape.push_back(std::stoll(dim));
  return shape;
}

/// Of the shape given where the model leaves it open, of numbers that differ.
std::vector<Tensor> inputs_of(const Model& model, const Shape& given) {
  std::vector<Tensor> inputs;
  for (const Node* node : model.graph->placeholders()) {
    if (node->weight) continue;
    Tensor tensor(DType::float32, given);
    size_t i = 0;
    for (float& x : tensor.mutable_data<float>()) x = static_cast<float>(i++ * 37 % 251) / 125 - 1;
    inputs.push_back(node->out()->type.dtype == DType::float32 ? tensor : Tensor::zeros(node->out()->type.dtype, given));
  }
  return inputs;
}

}  // namespace
}  // namespace qtool

int main(int argc, char** argv) {
  using namespace qtool;
  if (argc != 3) return std::fputs("model_costs MODEL SHAPE\n", stderr), 2;
  Model model = onnxio::load(argv[1]);
  infer_types(model);
  Diagnostics diagnostics;
  Plan plan(model, {.engine = "arm", .threads = 1}, diagnostics);
  Runner runner(plan);
  const std::vector<Tensor> inputs = inputs_of(model, shape_of(argv[2]));
  runner.run(inputs);
  runner.run(inputs);
  syscall(kMark, 0);
  runner.run(inputs);
  syscall(kMark, 1);
}
